"""How photos become lqs, and which photos are set aside before anything is paid; every number is ours."""

from typing import Literal

from pydantic import Field

from ggt.images import MAX_PIXELS
from ggt.settings.base import Settings
from ggt.types import Category


class CleanBounds(Settings):
    """A large photo inside all of these is set aside as already clean; measured at native resolution.

    Chosen on 40 large clean and 22 real low-quality photos; the margin to the nearest of either kind is narrow.
    """

    noise_sigma: float = Field(default=5.5, ge=0)
    """At most, in 8-bit levels."""
    blur_px: float = Field(default=2.5, ge=0)
    """At most, in pixels."""
    blockiness: float = Field(default=0.45, ge=0)
    """At most, grid strength as in `ggt.measure.blockiness`."""
    darkest: float = Field(default=0.22, ge=0, le=1)
    """Mean luma at least."""
    brightest: float = Field(default=0.85, ge=0, le=1)
    """Mean luma at most."""
    contrast: float = Field(default=0.28, ge=0, le=1)
    """At least, 5th to 95th percentile of luma."""
    dark_channel: float = Field(default=0.6, ge=0, le=1)
    """At most; hazy photos lie above."""
    saturation: float = Field(default=0.04, ge=0, le=1)
    """At least: a colourless photo may be an old one or a night shot, so it is never called clean."""


class IngestSettings(Settings):
    """What happens to a photo between the collected folder and the first question to a restorer."""

    side: int = Field(default=1024, ge=64, le=4096, multiple_of=8)
    """Side of the square lq in pixels; 1024 is the paper's."""
    native: tuple[Category, ...] = ()
    """Categories cropped at native resolution; the others are resized by their short side, the paper's way."""
    crops: int = Field(default=1, ge=1, le=16)
    """At most so many native crops of one photo, without overlap, richest in detail first."""
    max_enlargement: float = Field(default=4.0, ge=1)
    """A photo that must be enlarged more than this is too small; the paper states no bound."""
    max_pixels: int = Field(default=MAX_PIXELS, ge=1, le=MAX_PIXELS)
    """Larger photos are refused from their header, undecoded."""
    keep_native: Literal["enlarged", "always", "never"] = "enlarged"
    """When the native crop is stored beside the lq: by default where the lq was enlarged, since that hides noise."""
    set_aside_clean: bool = True
    """False keeps clean photos, for rehearsals on known truths."""
    clean: CleanBounds = Field(default_factory=CleanBounds)
    lowest_contrast: float = Field(default=0.02, ge=0, le=1)
    """Below this there is no picture to restore: lens cap, blank scan."""
    barred_licences: tuple[str, ...] = ()
    """Photos under these licences are set aside; compared without case."""
    bar_unknown_licence: bool = False
    """True sets photos without a stated licence aside here already; release bars them in any case."""
    same_bits: int = Field(default=3, ge=0, le=12)
    """Perceptual hashes this near (of 64 bits), at the same brightness, are copies: the first path is kept."""
    near_bits: int = Field(default=10, ge=0, le=12)
    """Perceptual hashes this near share a group, so that a split never separates them."""
    scene_gap_s: float = Field(default=60.0, ge=0)
    """Photos of one camera and folder, each taken this soon after the one before, are one scene."""
