"""The mean structural similarity of two planes, on the window of the paper."""

import cv2
import numpy as np
from jaxtyping import Float64, UInt8

WINDOW = 11
"""Side of the Gaussian window; images below it have no SSIM."""
SIGMA = 1.5
DEFINITION = f"window={WINDOW};sigma={SIGMA};K=0.01,0.03;L=255;valid;float64;scale=native;crop=0"

_C1 = (0.01 * 255) ** 2
_C2 = (0.03 * 255) ** 2
_STRIP = 32
"""Rows computed together: the planes of one strip stay in the processor's cache."""


def mean_ssim(
    first: UInt8[np.ndarray, "height width"], second: UInt8[np.ndarray, "height width"]
) -> float:
    """Return the mean over all positions where the whole window lies inside the planes.

    Both planes run from 0 to 255 and have at least `WINDOW` pixels on each side. Moments are
    population moments under the Gaussian window, without clamping.
    """
    rows = first.shape[0] - WINDOW + 1
    total = 0.0
    for top in range(0, rows, _STRIP):
        strip = slice(top, min(top + _STRIP, rows) + WINDOW - 1)
        total += _sum_of_ssim(first[strip].astype(np.float64), second[strip].astype(np.float64))
    return total / (rows * (first.shape[1] - WINDOW + 1))


def _sum_of_ssim(
    first: Float64[np.ndarray, "rows width"], second: Float64[np.ndarray, "rows width"]
) -> float:
    """Sum SSIM over the valid positions of a strip.

    Both factors of SSIM have the form a / (a + b), where b is the squared difference of the means, or the variance of
    the difference: four windows instead of five, and identical planes give exactly 1. In place, for speed.
    """
    mean_first, mean_second = _windowed(first), _windowed(second)
    mean_product = mean_first * mean_second
    squared_mean = mean_first - mean_second
    squared_mean *= squared_mean
    structure = _windowed(first * second) - mean_product
    structure *= 2
    structure += _C2
    difference = first - second
    difference *= difference
    structure_whole = _windowed(difference) - squared_mean
    structure_whole += structure
    luminance = np.multiply(mean_product, 2, out=mean_product)
    luminance += _C1
    luminance_whole = np.add(squared_mean, luminance, out=squared_mean)
    luminance *= structure
    luminance_whole *= structure_whole
    luminance /= luminance_whole
    return float(luminance.sum())


def _windowed(plane: Float64[np.ndarray, "rows width"]) -> Float64[np.ndarray, "valid inner"]:
    """Average under the Gaussian window, where it lies inside the plane."""
    kernel = cv2.getGaussianKernel(WINDOW, SIGMA, cv2.CV_64F)
    half = WINDOW // 2
    averaged = cv2.sepFilter2D(plane, cv2.CV_64F, kernel, kernel)
    return np.asarray(averaged, np.float64)[half:-half, half:-half]
