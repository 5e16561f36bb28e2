"""Camera noise: grows with the signal, partly correlated between neighbours and between channels."""

import cv2
import numpy as np

from ggt.degradations import Degradation, Degraded
from ggt.images import to_float, to_uint8
from ggt.types import FloatImage, Image

CORRELATION_PX = 0.8
"""Demosaicing and in-camera denoising leave noise smooth over about a pixel (research on real photos, ours)."""


def add_noise(image: Image, *, sigma: float, rng: np.random.Generator) -> Image:
    """Add noise whose deviation is `sigma` 8-bit levels at mid-grey: one half read noise, one half shot noise."""
    clean = to_float(image)
    deviation = sigma / 255.0 * cv2.sqrt(0.5 + clean)
    return to_uint8(clean + deviation * _unit_noise(image.shape[:2], rng=rng))


def apply(clean: Image, strength: float, rng: np.random.Generator) -> Degraded:
    """Add noise of 4 to 40 levels at mid-grey."""
    sigma = 4.0 * 10.0**strength
    return Degraded(add_noise(clean, sigma=sigma, rng=rng), {"sigma_levels": sigma})


def _unit_noise(shape: tuple[int, int], *, rng: np.random.Generator) -> FloatImage:
    """Noise of unit deviation: white plus smooth, a third of its variance shared by the channels."""
    own = rng.standard_normal((*shape, 3), dtype=np.float32)
    shared = rng.standard_normal((*shape, 1), dtype=np.float32)
    white = own * np.float32(np.sqrt(2 / 3)) + shared * np.float32(np.sqrt(1 / 3))
    line = cv2.getGaussianKernel(7, CORRELATION_PX)
    kernel = line @ line.T / np.linalg.norm(line) ** 2
    kernel[3, 3] += 1.0
    return cv2.filter2D(white, -1, kernel / np.linalg.norm(kernel), borderType=cv2.BORDER_REFLECT)


PLUGIN = Degradation(
    apply=apply,
    category="general",
    source="Foi et al. 2008, Practical Poissonian-Gaussian noise modeling, eq. 3 (variance linear in the signal); "
    "correlation as in Brooks et al. 2019, Unprocessing images, section 3",
)
