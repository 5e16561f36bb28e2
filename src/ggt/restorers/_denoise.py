"""Noise: non-local means at the measured strength, with part of the input kept so that texture survives.

Buades, Coll, Morel: A Non-Local Algorithm for Image Denoising, CVPR 2005, as in OpenCV.
"""

import cv2
import numpy as np

from ggt.images import luma, to_uint8
from ggt.restorers._condition import Condition
from ggt.types import FloatImage, Plane

H_PER_SIGMA = 1.2
"""Filter strength per noise sigma: 1.2 erases rock and skin on real, correlated noise. Measured on real photos."""
KEPT = 0.2
"""Share of the input blended back."""
NOISELESS = 0.8
"""8-bit levels of noise below which nothing is done: quantisation alone gives 0.3."""


def denoise(picture: FloatImage, condition: Condition, strength: float) -> FloatImage:
    """Remove noise; `strength` 1 is right for the measured sigma, 0 returns the input."""
    sigma = condition.noise_sigma * strength
    if sigma < NOISELESS:
        return picture
    grey = luma(picture)
    clean_grey = _non_local_means(grey, H_PER_SIGMA * sigma)
    kept = KEPT / max(strength, 1.0)
    chroma = _smooth_chroma(picture - grey[..., None], sigma)
    return np.clip((kept * grey + (1 - kept) * clean_grey)[..., None] + chroma, 0, 1).astype(
        np.float32
    )


def _non_local_means(plane: Plane, h: float) -> Plane:
    clean = cv2.fastNlMeansDenoising(
        to_uint8(plane), None, h, templateWindowSize=7, searchWindowSize=11
    )
    return clean.astype(np.float32) / np.float32(255)


def _smooth_chroma(chroma: FloatImage, sigma: float) -> FloatImage:
    """Denoise the differences to luma on a half grid, where JPEG keeps them too: chroma noise is coarse."""
    height, width = chroma.shape[:2]
    size = (max(1, width // 2), max(1, height // 2))
    small = cv2.resize(chroma, size, interpolation=cv2.INTER_AREA)
    # The differences are halved to fit bytes, so is the filter strength: more would grey small coloured things.
    red, blue = (
        _non_local_means(small[..., index] / 2 + 0.5, H_PER_SIGMA * sigma / 2) * 2 - 1
        for index in (0, 2)
    )
    green = (
        -(0.299 * red + 0.114 * blue) / 0.587
    )  # differences to luma sum to nothing, weighted as luma weighs
    clean = np.stack((red, green, blue), axis=2)
    return cv2.resize(clean, (width, height), interpolation=cv2.INTER_CUBIC).astype(np.float32)
