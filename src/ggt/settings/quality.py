"""Bounds of quality control; every number is ours, since the paper's are unpublished."""

from pydantic import Field

from ggt.settings.base import Settings


class AlignSettings(Settings):
    """What a candidate's geometry may be; distances in pixels of the pair."""

    aspect_tolerance: float = Field(default=0.01, ge=0, le=1)
    """Relative difference of the sides' ratios from which a candidate counts as reframed."""
    max_correction_px: int = Field(default=16, ge=0, le=32)
    """Whole-pixel shifts up to this are undone by cropping both sides alike (`build` only)."""
    min_side: int = Field(default=960, ge=64)
    """A crop with a shorter side than this is rejected (`build` only)."""
    min_checked_side: int = Field(default=192, ge=192)
    """Shorter pairs are not judged: too few blocks for any of the measurements."""
    max_shift_px: float = Field(default=0.9, gt=0)
    """What may remain of a shift, beyond twice its error."""
    max_affine_px: float = Field(default=1.5, gt=0)
    """How far scale, rotation and shear may move a corner, beyond twice the error."""
    max_warp_px: float = Field(default=0.65, gt=0)
    """How far a block may move by itself, beyond its error."""
    min_matched: float = Field(default=0.5, ge=0, le=1)
    """Share of the blocks whose structure the candidate must show; less is another picture."""


class QualitySettings(Settings):
    """Bounds of align, screen and judge."""

    align: AlignSettings = Field(default_factory=AlignSettings)
    min_change_levels: float = Field(default=1.2, ge=0)
    """Root mean square difference from the lq, in 8-bit levels, below which a candidate is unchanged."""
