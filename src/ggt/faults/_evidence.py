"""Whether a pair can show its fault: does the lq speak for the faithful target rather than for the spoiled one?

The criterion is measured, never a matter of the degradation's name. The lq's detail is explained by least squares as
`a * spoiled + b * (faithful - spoiled)`: b / a is the share of the change that survives in the lq (blur and haze lower
it), and b over its standard error says how far the change stands above the lq's noise (Rose's criterion asks 5 for one
clear object in white noise; errors of real pictures are correlated, so ours asks more).
"""

import cv2
import numpy as np

from ggt.faults import GoodPair
from ggt.images import to_float
from ggt.measure.fields import local_mean, luma
from ggt.types import Box, FloatImage, Image

DETAIL_PX = 24.0
"""Structure wider than this is left out: there the lq differs from its target by haze, light and fading."""
MIN_SHARE = 0.1
"""Less of the change than this in the lq counts as invisible (ours)."""
MIN_SIGNIFICANCE = 10.0
"""Standard errors by which the change must be present in the lq (ours)."""
SAME_LEVELS = 2.0
"""Sides that differ by less than this, root mean square in levels, are the same to any judge."""


def shows(pair: GoodPair, spoiled: Image, *, box: Box | None = None) -> bool:
    """Tell whether the lq shows that `spoiled` is not its target; within `box` where one is given."""
    window = cut(pair.lq.shape, box)
    seen = _detail(pair.lq[window])
    offered = _detail(spoiled[window])
    change = _detail(pair.hq[window]) - offered
    return explained(seen, offered, change)


def explained(seen: FloatImage, offered: FloatImage, change: FloatImage) -> bool:
    """Fit `seen = a * offered + b * change` and ask for enough of b."""
    terms = np.stack((offered.ravel(), change.ravel())).astype(np.float64)
    gram = terms @ terms.T
    determinant = gram[0, 0] * gram[1, 1] - gram[0, 1] ** 2
    if gram[1, 1] <= 0 or determinant <= 1e-9 * gram[0, 0] * gram[1, 1]:
        return False
    gains = np.linalg.solve(gram, terms @ seen.ravel().astype(np.float64))
    left = float(np.mean((seen.ravel() - gains @ terms) ** 2))
    error = np.sqrt(max(left, 1e-9) * gram[0, 0] / determinant)
    share = gains[1] / max(abs(gains[0]), 1e-6)
    return bool(share >= MIN_SHARE and gains[1] / error >= MIN_SIGNIFICANCE)


def same(one: Image, two: Image) -> bool:
    """Tell whether two sides differ by less than `SAME_LEVELS`."""
    return cv2.norm(one, two, cv2.NORM_L2) / np.sqrt(one.size) < SAME_LEVELS


def thinner_veil(pair: GoodPair) -> bool:
    """Tell whether the lq is its target under a smooth change of tone, so that half of it looks like less of it.

    Haze, fading and missing light are; noise, blur, streaks and flakes are not. Measured as the share of the
    difference that a local linear map of 64 pixels (slope and offset per channel) leaves unexplained: under 5 %.
    """
    lq, hq = to_float(pair.lq), to_float(pair.hq)
    sigma = 64.0
    mean_l, mean_h = local_mean(lq, sigma_px=sigma), local_mean(hq, sigma_px=sigma)
    variance = local_mean(hq * hq, sigma_px=sigma) - mean_h * mean_h
    covariance = local_mean(lq * hq, sigma_px=sigma) - mean_l * mean_h
    slope = covariance / (np.maximum(variance, 0) + 1e-4)
    left = lq - (mean_l + slope * (hq - mean_h))
    return float(np.mean(left**2)) < 0.05 * float(np.mean((lq - hq) ** 2))


def colourfulness(image: Image) -> float:
    """Chroma against light and dark: deviation of the colour differences over that of luma, after averaging noise."""
    picture = local_mean(to_float(image), sigma_px=4.0)
    grey = luma(picture)
    chroma = picture - grey[..., None]
    return float(np.sqrt(np.mean(chroma**2)) / max(float(grey.std()), 1e-3))


def cut(shape: tuple[int, ...], box: Box | None) -> tuple[slice, slice]:
    """Rows and columns of a box; of the whole picture without one."""
    if box is None:
        return slice(0, shape[0]), slice(0, shape[1])
    return slice(box.top, box.top + box.height), slice(box.left, box.left + box.width)


def _detail(image: Image) -> FloatImage:
    picture = to_float(image)
    return picture - local_mean(picture, sigma_px=DETAIL_PX)
