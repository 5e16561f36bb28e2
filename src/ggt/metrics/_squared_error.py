"""The squared error of 8-bit samples, exact, in decibels."""

import math

import cv2
import numpy as np
from jaxtyping import UInt8


def peak_signal_to_noise_db(
    restored: UInt8[np.ndarray, "..."], gt: UInt8[np.ndarray, "..."]
) -> float:
    """Return 10 log10(255^2 / MSE); infinite when every sample is equal.

    OpenCV sums the squares of 8-bit differences as whole numbers but hands back the square of their root;
    rounding restores the sum, which stays far below 2**53.
    """
    squares = round(
        cv2.norm(np.ascontiguousarray(restored), np.ascontiguousarray(gt), normType=cv2.NORM_L2SQR)
    )
    if squares == 0:
        return math.inf
    return 10 * math.log10(255**2 * restored.size / squares)
