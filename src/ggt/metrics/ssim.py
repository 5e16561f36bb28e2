"""SSIM on Y: structural similarity of the rounded luma."""

from ggt.metrics import FullReference
from ggt.metrics._planes import BT601, check_same_size, check_short_side, luma_levels, luma_text
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
    return mean_ssim(luma_levels(restored, BT601), luma_levels(gt, BT601))


PLUGIN = FullReference(
    score=ssim,
    definition=f"ssim:{luma_text(BT601)};{DEFINITION}",
    higher_is_better=True,
    source="Wang, Bovik, Sheikh, Simoncelli, IEEE TIP 13(4), 2004, sections III-B and III-C",
)
