"""What the metrics share: Y of an RGB image, and the checks of sizes."""

import cv2
import numpy as np
from jaxtyping import UInt8

from ggt.errors import NotMeasurableError, SizeMismatchError
from ggt.types import Image

LUMA = "Y=round(0.299R+0.587G+0.114B)"
"""The Y of every metric here (BT.601 weights on 0 to 255, rounded half up), as definition ids write it."""

_WEIGHTS = np.array([[299, 587, 114]], np.float32)


def luma_levels(image: Image) -> UInt8[np.ndarray, "height width"]:
    """Return Y, 0 to 255, exact.

    Thousandths of a level are whole numbers below 2**24, which float32 holds, so no sum is rounded.
    """
    thousandths = cv2.transform(image.astype(np.float32), _WEIGHTS).reshape(image.shape[:2])
    return ((thousandths.astype(np.int32) + 500) // 1000).astype(np.uint8)


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
