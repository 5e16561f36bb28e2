"""Disagreement: where the accepted candidates of one lq show different things, none of them is believed so much.

What a model invents differs from sample to sample and from model to model; what the lq shows does not. Bounds are ours,
chosen on 10 clean photos at 512x512, not on outputs of generative models: sharpening, tone, casts, JPEG and noise of 4
levels give 0 in every cell, half a pixel of shift at most 0.17 in 99 of 100 cells; where an object was planted, moved
or removed the cells have 0.9 to 1.4 in the median, where texture was redrawn 0.25 (subtly) or 0.75 (grossly).
"""

from collections.abc import Sequence

import cv2
import numpy as np

from ggt.images import to_float
from ggt.measure.evidence import Cells
from ggt.measure.fields import local_mean
from ggt.types import TRUST_CELLS, FloatImage, Image, TrustMap

_FINE_PX = 1.5
"""Differences finer than this, at a side of 512, are sharpness and grain: they are not looked at."""
_COARSE_PX = 16.0
"""Differences coarser than this, at a side of 512, are light and tone."""
_EXCUSED = 0.012
"""Contrast (three levels) up to which a difference is excused in flat parts."""
_HALF_TRUSTED = 0.5
"""A difference of so much of the local contrast halves the trust."""
_STEEPNESS = 4.0
_FIT_PASSES = 4


def disagreement(target: Image, rivals: Sequence[Image]) -> Cells:
    """Measure per trust cell how much rivals differ from the target: 0 as good as equal, 1 as much as their contrast.

    All pictures are cut alike. Colours are fitted first, so that another tone is no disagreement; of several rivals the
    median counts, so that one that went astray lowers nobody's trust.
    """
    unit = min(target.shape[:2]) / 512
    base = to_float(target)
    structure = _structure(base, unit)
    each = [_differ(base, structure, to_float(rival), unit=unit) for rival in rivals]
    middle = np.median(each, axis=0) if each else np.zeros((TRUST_CELLS, TRUST_CELLS))
    return tuple(tuple(round(float(value), 3) for value in row) for row in middle)


def lowered(trust_map: TrustMap, disagreement: Cells) -> TrustMap:
    """Lower trust where rivals disagree; it is never raised."""
    trust = np.asarray(trust_map, np.float64)
    ratio = np.asarray(disagreement, np.float64) / _HALF_TRUSTED
    kept = trust / (1 + ratio**_STEEPNESS)
    return tuple(tuple(round(float(value), 3) for value in row) for row in kept)


def _differ(
    base: FloatImage, structure: FloatImage, rival: FloatImage, *, unit: float
) -> np.ndarray:
    """Root mean square difference of a rival's structure over that of both, cell by cell."""
    other = _structure(_recoloured(rival, base), unit)
    apart = _cells((structure - other) ** 2)
    own = (_cells(structure**2) + _cells(other**2)) / 2
    return np.sqrt(np.maximum(apart - _EXCUSED**2, 0) / (own + _EXCUSED**2))


def _structure(picture: FloatImage, unit: float) -> FloatImage:
    """Keep what is neither fine nor coarse."""
    smooth = local_mean(picture, sigma_px=_FINE_PX * unit)
    return smooth - local_mean(picture, sigma_px=_COARSE_PX * unit)


def _recoloured(picture: FloatImage, like: FloatImage) -> FloatImage:
    """Give a picture the colours of another: each channel as a parabola of its own, fitted robustly."""
    done = np.empty_like(picture)
    for channel in range(3):
        seen = _sampled(picture[:, :, channel])
        aim = _sampled(like[:, :, channel])
        curve = _fit(seen, aim)
        done[:, :, channel] = np.polyval(curve, picture[:, :, channel])
    return done


def _fit(seen: np.ndarray, aim: np.ndarray) -> np.ndarray:
    """Fit aim = a * seen^2 + b * seen + c; what does not follow the rest counts little."""
    design = np.stack([seen * seen, seen, np.ones_like(seen)], axis=1)
    weights = np.ones_like(seen)
    # A weak pull towards no change decides where a channel is flat.
    pull, rest = 1e-4 * len(seen) * np.eye(3), np.array([0.0, 1.0, 0.0])
    curve = rest
    for _ in range(_FIT_PASSES):
        weighted = design * weights[:, None]
        curve = np.linalg.solve(weighted.T @ design + pull, weighted.T @ aim + pull @ rest)
        off = aim - design @ curve
        spread = max(1.48 * float(np.median(np.abs(off))), 0.004)
        weights = 1 / (1 + (off / (2 * spread)) ** 2)
    return curve


def _sampled(channel: np.ndarray) -> np.ndarray:
    """Shrink to some ten thousand values."""
    size = (min(96, channel.shape[1]), min(96, channel.shape[0]))
    return cv2.resize(channel, size, interpolation=cv2.INTER_AREA).astype(np.float64).ravel()


def _cells(squares: FloatImage) -> np.ndarray:
    """Mean over channels and over each trust cell."""
    plane = np.asarray(squares.mean(axis=2), np.float32)
    size = (TRUST_CELLS, TRUST_CELLS)
    return np.asarray(cv2.resize(plane, size, interpolation=cv2.INTER_AREA), np.float64)
