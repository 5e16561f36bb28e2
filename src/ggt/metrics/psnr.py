"""PSNR on RGB: the mean squared error of three 8-bit channels, in decibels."""

from ggt.metrics import FullReference
from ggt.metrics._planes import check_same_size
from ggt.metrics._squared_error import peak_signal_to_noise_db
from ggt.types import Image


def psnr(restored: Image, gt: Image) -> float:
    """Return PSNR in dB over all three channels, infinite for identical images.

    Raises:
        SizeMismatchError: the sizes differ.
    """
    check_same_size(restored, gt)
    return peak_signal_to_noise_db(restored, gt)


PLUGIN = FullReference(
    score=psnr,
    definition="psnr:RGB;uint8;peak=255;crop=0;identical=inf",
    higher_is_better=True,
    source="ITU-T J.340 (2010): 10 log10(peak^2 / MSE), MSE here over all samples of R, G and B",
)
