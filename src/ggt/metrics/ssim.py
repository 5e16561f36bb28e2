"""SSIM on Y: structural similarity of the rounded luma."""

from ggt.metrics import FullReference
from ggt.metrics._planes import LUMA, check_same_size, check_short_side, luma_levels
from ggt.metrics._structure import DEFINITION, WINDOW, mean_ssim
from ggt.types import Image


def ssim(restored: Image, gt: Image) -> float:
    """Return mean SSIM of Y, at most 1 (reached by equal Y), below 0 for inverted structure.

    Raises:
        SizeMismatchError: the sizes differ.
        NotMeasurableError: a side is shorter than the window.
    """
    check_same_size(restored, gt)
    check_short_side(gt, least=WINDOW, metric="ssim")
    return mean_ssim(luma_levels(restored), luma_levels(gt))


PLUGIN = FullReference(
    score=ssim,
    definition=f"ssim:{LUMA};{DEFINITION}",
    higher_is_better=True,
    source="Wang, Bovik, Sheikh, Simoncelli, IEEE TIP 13(4), 2004, sections III-B and III-C",
)
