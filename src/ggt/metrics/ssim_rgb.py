"""SSIM on RGB: the mean of the structural similarities of the three channels."""

from ggt.metrics import FullReference
from ggt.metrics._planes import check_same_size, check_short_side
from ggt.metrics._structure import DEFINITION, WINDOW, mean_ssim
from ggt.types import Image


def ssim_rgb(restored: Image, gt: Image) -> float:
    """Return mean SSIM over R, G and B, at most 1 (reached by identical images).

    Raises:
        SizeMismatchError: the sizes differ.
        NotMeasurableError: a side is shorter than the window.
    """
    check_same_size(restored, gt)
    check_short_side(gt, least=WINDOW, metric="ssim_rgb")
    channels = (mean_ssim(restored[..., c], gt[..., c]) for c in range(3))
    return sum(channels) / 3


PLUGIN = FullReference(
    score=ssim_rgb,
    definition=f"ssim_rgb:mean of R,G,B;{DEFINITION}",
    higher_is_better=True,
    source="Wang, Bovik, Sheikh, Simoncelli, IEEE TIP 13(4), 2004, sections III-B and III-C",
)
