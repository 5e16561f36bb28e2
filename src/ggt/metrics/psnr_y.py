"""PSNR on Y: the mean squared error of the rounded luma, in decibels."""

from ggt.metrics import FullReference
from ggt.metrics._planes import BT601, check_same_size, luma_levels, luma_text
from ggt.metrics._squared_error import peak_signal_to_noise_db
from ggt.types import Image


def psnr_y(restored: Image, gt: Image) -> float:
    """Return PSNR in dB of Y, infinite for images of identical Y.

    Raises:
        SizeMismatchError: the sizes differ.
    """
    check_same_size(restored, gt)
    return peak_signal_to_noise_db(luma_levels(restored, BT601), luma_levels(gt, BT601))


PLUGIN = FullReference(
    score=psnr_y,
    definition=f"psnr_y:{luma_text(BT601)};peak=255;crop=0;identical=inf",
    higher_is_better=True,
    source="ITU-T J.340 (2010): 10 log10(peak^2 / MSE), MSE here over Y",
)
