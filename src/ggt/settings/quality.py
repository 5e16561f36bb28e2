"""Bounds of quality control; every number is ours, since the paper's are unpublished."""

from pydantic import Field

from ggt.settings.base import Settings
from ggt.types import Category

_OCCLUDED: tuple[Category, ...] = ("rain", "snow")


class AlignSettings(Settings):
    """What a candidate's geometry may be; distances in pixels of the pair.

    Faithful pairs of the calibration stay below 0.4 pixels of shift and of corner displacement.
    """

    aspect_tolerance: float = Field(default=0.01, ge=0, le=1)
    """Relative difference of the sides' ratios from which a candidate counts as reframed."""
    max_correction_px: int = Field(default=16, ge=0, le=32)
    """Whole-pixel shifts up to this are undone by cropping both sides alike (`build` only)."""
    min_side: int = Field(default=960, ge=64)
    """A crop with a shorter side than this is rejected, where a shift was cropped away."""
    min_checked_side: int = Field(default=192, ge=192)
    """Shorter pairs are not judged: too few blocks for any of the measurements."""
    max_shift_px: float = Field(default=0.8, gt=0)
    """What may remain of a shift, beyond twice its error."""
    max_affine_px: float = Field(default=1.3, gt=0)
    """How far scale, rotation and shear may move a corner, beyond twice the error."""
    min_matched: float = Field(default=0.3, ge=0, le=1)
    """Share of the blocks whose structure the candidate must show; less is another picture."""


class ScreenSettings(Settings):
    """Metrics alone never accept; these reject what needs no closer look.

    Naturalness may even get worse in a faithful pair, and better by added noise: so a fidelity bound holds as well.
    """

    min_change: float = Field(default=1.6, ge=0)
    """Root mean square difference from the lq, in 8-bit levels, below which a candidate is unchanged."""
    max_unnatural: float = Field(default=2.2, gt=1)
    """Factor by which the distance from clean photos may grow from lq to candidate."""
    max_noise: float = Field(default=4.5, ge=0)
    """Noise of the candidate in 8-bit levels, where it is noisier than its lq, contrast allowed for."""
    min_fidelity: float = Field(default=0.55, ge=0, le=1)
    """Likeness of the structure of 25 to 50 pixels in lq and candidate."""
    max_flat_likeness: float = Field(default=1.0, ge=0, le=1)
    """Likeness of fine structure where the candidate is flat: in rain and snow just that should be gone; 1 is off."""


def _screens() -> dict[Category, ScreenSettings]:
    """Faithful pairs in rain and snow lie below 0.8 (95 in 100), what restores nothing above 0.9."""
    return {name: ScreenSettings(max_flat_likeness=0.85) for name in _OCCLUDED}


def _stricter() -> dict[str, float]:
    """Three in four of the classical engine's candidates restore little; the factor is chosen on synthetic lqs."""
    return {"classical": 1.5}


class JudgeSettings(Settings):
    """How strictly the measured judge's levels are drawn, and which levels pass."""

    strictness: float = Field(default=1.0, gt=0, le=4)
    """1 is as calibrated; above 1 rejects more."""
    min_level: int = Field(default=3, ge=1, le=5)
    """The lowest level that passes, for every aspect."""
    stricter: dict[str, float] = Field(default_factory=_stricter)
    """Factors on strictness for single restorers: where most candidates are bad, a bound that fits faithful ones lets
    too many bad ones in among the few accepted."""
    asking: str = "vlm"
    """The name of the file in judges/ that asks, where `vlm` names whom."""
    vlm: str | None = None
    """Who judges what measurements let through: a vlm of models.toml; None leaves it to measurements alone."""
    votes: int = Field(default=1, ge=1, le=15)
    """How often the vlm is asked about one candidate; the median counts, and flips are recorded."""


class QualitySettings(Settings):
    """Bounds of align, screen and judge; `screens` replaces the screen's bounds for single categories."""

    align: AlignSettings = Field(default_factory=AlignSettings)
    screen: ScreenSettings = Field(default_factory=ScreenSettings)
    screens: dict[Category, ScreenSettings] = Field(default_factory=_screens)
    judge: JudgeSettings = Field(default_factory=JudgeSettings)

    def screen_for(self, category: Category) -> ScreenSettings:
        """The screen's bounds for one category."""
        return self.screens.get(category, self.screen)

    def for_restorer(self, restorer: str) -> "QualitySettings":
        """The bounds that one restorer's candidates face."""
        factor = self.judge.stricter.get(restorer, 1.0)
        judge = self.judge.model_copy(update={"strictness": self.judge.strictness * factor})
        return self.model_copy(update={"judge": judge})
