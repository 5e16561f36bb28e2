"""What the metrics share: Y of an RGB image, and the checks of sizes."""

import cv2
import numpy as np
from jaxtyping import UInt8

from ggt.errors import NotMeasurableError, SizeMismatchError
from ggt.types import Image

BT601 = (299_000, 587_000, 114_000)
"""Weights of R, G and B in millionths, by ITU-R BT.601: the Y of PSNR and SSIM."""
YIQ = (298_936, 587_043, 114_021)
"""Y of the YIQ space to six places, as the authors of NIQE computed it."""

_STRIP = 16
"""Rows computed together: they stay in the processor's cache, which makes it three times faster."""


def luma_levels(
    image: Image, millionths: tuple[int, int, int]
) -> UInt8[np.ndarray, "height width"]:
    """Return the weighted sum of R, G and B, 0 to 255, rounded half up, exact.

    All sums are whole numbers below 2**53, and the one division cannot cross a whole number.
    """
    weights = np.array([millionths], np.float64)
    levels = np.empty(image.shape[:2], np.uint8)
    for top in range(0, len(image), _STRIP):
        strip = image[top : top + _STRIP].astype(np.float64)
        sums = cv2.transform(strip, weights).reshape(strip.shape[:2])
        sums += 500_000
        sums /= 1_000_000
        levels[top : top + _STRIP] = sums
    return levels


def luma_text(millionths: tuple[int, int, int]) -> str:
    """Write a luma as definition ids do."""
    red, green, blue = (f"{weight / 1e6:.6g}" for weight in millionths)
    return f"Y=round({red}R+{green}G+{blue}B)"


def check_same_size(restored: Image, gt: Image) -> None:
    """Refuse a pair of unequal sizes.

    Raises:
        SizeMismatchError: with both sizes.
    """
    if restored.shape != gt.shape:
        raise SizeMismatchError(
            f"the restored image has {size_text(restored)} pixels and its gt {size_text(gt)}: "
            "a full-reference metric needs the same size; nothing is resized"
        )


def check_short_side(image: Image, *, least: int, metric: str) -> None:
    """Refuse an image that is too small for a metric's window.

    Raises:
        NotMeasurableError: with the size and the bound.
    """
    if min(image.shape[:2]) < least:
        raise NotMeasurableError(
            f"{metric} needs at least {least} pixels on each side, this image has "
            f"{size_text(image)}: leave {metric} out for it"
        )


def size_text(image: Image) -> str:
    """Write a size as people read it: width x height."""
    return f"{image.shape[1]}x{image.shape[0]}"
