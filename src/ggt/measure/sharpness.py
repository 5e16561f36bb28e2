"""Sharpness: how wide the strongest edges are, as the sigma of the Gaussian that would blur a step so.

Blurring an edge again by a known amount weakens a sharp one more than a blurred one (Zhuo and Sim, "Defocus map
estimation from a single image", Pattern Recognition 44(9), 2011, section 3); constants are ours, fitted to photos.
"""

import cv2
import numpy as np

from ggt.measure.tiles import Tiles
from ggt.types import Plane

_FIRST_PX = 1.0
_SECOND_PX = 2.0
_STRONGEST_PERCENT = 97.0
_SOFTEST_PERCENT = 80.0
_MINIMUM_GRADIENT = 2 / 255
_BORDER = 8
_FEWEST_EDGES = 20
_BLUREST_PX = 10.0
"""Beyond this the second blur changes nothing that can be measured."""


def blur_px(tiles: Tiles, noise: float) -> float:
    """Estimate the blur of the strongest edges in pixels, 0 to 10; 0 where there are too few edges.

    `noise` in 8-bit levels raises the gradient from which an edge counts.
    """
    measured = [_gradients(tile) for tile in tiles if min(tile.shape) > 2 * _BORDER]
    if not measured:
        return 0.0
    gradients = np.concatenate([gradient[::2, ::2].ravel() for gradient, _ in measured])
    threshold = max(
        _MINIMUM_GRADIENT,
        float(np.percentile(gradients, _STRONGEST_PERCENT)),
        5 * _noise_gradient(noise),
    )
    ratios = np.concatenate([_edge_ratios(first, second, threshold) for first, second in measured])
    if ratios.size < _FEWEST_EDGES:
        return 0.0
    variance = _SECOND_PX**2 / (ratios**2 - 1) - _FIRST_PX**2
    return float(np.clip(np.percentile(variance, _SOFTEST_PERCENT), 0, _BLUREST_PX**2) ** 0.5)


def _gradients(tile: Plane) -> tuple[np.ndarray, np.ndarray]:
    first = cv2.GaussianBlur(tile, (0, 0), _FIRST_PX)
    second = cv2.GaussianBlur(first, (0, 0), _SECOND_PX)
    return _gradient(first), _gradient(second)


def _gradient(plane: np.ndarray) -> np.ndarray:
    """Return the size of the gradient, in luma per pixel."""
    across = cv2.Sobel(plane, cv2.CV_32F, 1, 0, ksize=3, scale=1 / 8)
    down = cv2.Sobel(plane, cv2.CV_32F, 0, 1, ksize=3, scale=1 / 8)
    return cv2.magnitude(across, down)


def _edge_ratios(first: np.ndarray, second: np.ndarray, threshold: float) -> np.ndarray:
    """Return by what factor the second blur weakened each point that stands out from its neighbours."""
    edges = (first >= cv2.dilate(first, np.ones((3, 3), np.uint8))) & (first > threshold)
    inner = (slice(_BORDER, -_BORDER), slice(_BORDER, -_BORDER))
    chosen = edges[inner]
    weakened = first[inner][chosen] / np.maximum(second[inner][chosen], 1e-5)
    return np.maximum(weakened, 1.0001)


def _noise_gradient(noise: float) -> float:
    """Return the deviation of the gradient that white noise has after the first blur and the Sobel kernel."""
    return 1.25 * noise / 255 / ((8 * np.pi) ** 0.5 * (_FIRST_PX**2 + 0.3))
