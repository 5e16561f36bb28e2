"""Whether a pair can show its fault: does the lq speak for the faithful target rather than for the spoiled one?

The criterion is measured, never a matter of the degradation's name. The lq's detail is explained by least squares as
`a * spoiled + b * (faithful - spoiled)`: b / a is the share of the change that survives in the lq (blur and haze lower
it), and b over its standard error says how far the change stands above the lq's noise (Rose's criterion asks 5 for one
clear object in white noise; errors of real pictures are correlated, so ours asks more).
"""

import cv2
import numpy as np

from ggt.faults import GoodPair
from ggt.images import luma, to_float
from ggt.measure.fields import finer, local_mean
from ggt.types import Box, FloatImage, Image, Plane

DETAIL_PX = 24.0
"""Structure wider than this is left out: there the lq differs from its target by haze, light and fading."""
MIN_SHARE = 0.1
"""Less of the change than this in the lq counts as invisible (ours)."""
MIN_SIGNIFICANCE = 10.0
"""Standard errors by which the change must be present in the lq (ours)."""
QUANTISATION = 1 / 255 / 12**0.5
"""Error of rounding to bytes: the least noise that any lq has."""
VEIL_SHARE = 1 / 16
"""Width of the local map of a veil, in short sides (64 pixels at 1024)."""
SAME_LEVELS = 2.0
"""Sides that differ by less than this, root mean square in levels, are the same to any judge."""


def shows(pair: GoodPair, spoiled: Image, *, box: Box | None = None) -> bool:
    """Tell whether the luma of the lq shows that `spoiled` is not its target; within `box` where one is given."""
    window = cut(pair.lq.shape, box)
    seen, offered = _detail(pair.lq[window]), _detail(spoiled[window])
    return explained(seen, offered, _detail(pair.hq[window]) - offered)


def shows_hue(pair: GoodPair, spoiled: Image) -> bool:
    """Tell whether the colours of the lq, apart from what its luma explains, speak against those of `spoiled`."""
    offered = own_colour(spoiled)
    return explained(own_colour(pair.lq), offered, own_colour(pair.hq) - offered)


def explained(seen: np.ndarray, offered: np.ndarray, change: np.ndarray) -> bool:
    """Fit `seen = a * offered + b * change` over all values and ask for enough of b."""
    terms = np.stack((offered.ravel(), change.ravel()))
    gram = (terms @ terms.T).astype(np.float64)
    determinant = gram[0, 0] * gram[1, 1] - gram[0, 1] ** 2
    if gram[1, 1] <= 0 or determinant <= 1e-6 * gram[0, 0] * gram[1, 1]:
        return False
    gains = np.linalg.solve(gram, (terms @ seen.ravel()).astype(np.float64))
    left = float(np.mean((seen.ravel() - gains.astype(np.float32) @ terms) ** 2))
    error = np.sqrt(max(left, QUANTISATION**2) * gram[0, 0] / determinant)
    share = gains[1] / max(abs(gains[0]), 1e-6)
    return bool(share >= MIN_SHARE and gains[1] / error >= MIN_SIGNIFICANCE)


def same(one: Image, two: Image) -> bool:
    """Tell whether two sides differ by less than `SAME_LEVELS`."""
    return cv2.norm(one, two, cv2.NORM_L2) / np.sqrt(one.size) < SAME_LEVELS


def thinner_veil(pair: GoodPair, *, left: float) -> bool:
    """Tell whether a target that keeps `left` of the lq's degradation looks like the target of a thinner one.

    It does where the lq is its target under a smooth change of tone, as haze, fading and missing light are, and
    noise, blur, streaks and flakes are not: a local linear map (slope and offset per channel) leaves
    less than 5 % of the difference unexplained, and less than 2 levels of that would remain in the target.
    """
    lq, hq = to_float(pair.lq), to_float(pair.hq)
    sigma = max(4.0, VEIL_SHARE * min(hq.shape[:2]))
    mean_l, mean_h = local_mean(lq, sigma_px=sigma), local_mean(hq, sigma_px=sigma)
    variance = local_mean(hq * hq, sigma_px=sigma) - mean_h * mean_h
    covariance = local_mean(lq * hq, sigma_px=sigma) - mean_l * mean_h
    slope = covariance / (np.maximum(variance, 0) + np.float32(1e-4))
    unexplained = float(np.mean((lq - mean_l - slope * (hq - mean_h)) ** 2))
    smooth = unexplained < 0.05 * float(np.mean((lq - hq) ** 2))
    return smooth and 255 * left * float(np.sqrt(unexplained)) < SAME_LEVELS


def colour_kept(pair: GoodPair) -> float:
    """Share of the target's colour that the lq shows, against the share of light and dark that it shows; 1: all."""
    colour = _part_of(own_colour(pair.hq), own_colour(pair.lq))
    grey = _part_of(_detail(pair.hq), _detail(pair.lq))
    return colour / grey if grey > 0 else 0.0


def _part_of(whole: np.ndarray, seen: np.ndarray) -> float:
    """Slope of `seen` on `whole`; 0 where it does not stand above its error."""
    energy = max(float(np.vdot(whole, whole)), 1e-6)
    slope = float(np.vdot(seen, whole)) / energy
    error = float(np.std(seen - slope * whole)) / energy**0.5
    return slope if slope > MIN_SIGNIFICANCE * error else 0.0


def own_colour(image: Image) -> FloatImage:
    """Colour differences from luma on a quarter of the grid, less what a parabola of luma explains (sepia, casts)."""
    height, width = image.shape[:2]
    size = (max(1, width // 4), max(1, height // 4))
    small = cv2.GaussianBlur(
        to_float(cv2.resize(image, size, interpolation=cv2.INTER_AREA)), (0, 0), 1.0
    )
    grey = luma(small).ravel()
    colour = small.reshape(-1, 3) - grey[:, None]
    basis = np.stack((np.ones_like(grey), grey, grey * grey), axis=1)
    explained_part = basis @ np.linalg.lstsq(basis, colour, rcond=None)[0]
    return (colour - explained_part).astype(np.float32)


def cut(shape: tuple[int, ...], box: Box | None) -> tuple[slice, slice]:
    """Rows and columns of a box; of the whole picture without one."""
    if box is None:
        return slice(0, shape[0]), slice(0, shape[1])
    return slice(box.top, box.top + box.height), slice(box.left, box.left + box.width)


def _detail(image: Image) -> Plane:
    return finer(luma(image), sigma_px=DETAIL_PX)
