"""Spectrum: sharp steps of a radial spectrum (ringing) and patterns that repeat on a fixed grid (decoders, JPEG)."""

import cv2
import numpy as np
from scipy import fft

from ggt.measure.detail import Features, log
from ggt.types import Plane

_SIDE = 128
_RINGS = 48
"""Rings from no frequency to half a cycle per pixel."""
_PERIOD = 16
"""Patterns with periods that divide this are folded upon themselves."""
_LIMIT = 8.0
"""Detail is clipped to so many levels, so that edges do not outweigh patterns."""


def spectrum_features(lq: Plane, hq: Plane) -> Features:
    """Measure both sides of a pair; luma at full size, at least 128 pixels a side."""
    seen, offered = _radial(lq), _radial(hq)
    step_lq, rise_lq = _steepest(seen)
    step_hq, rise_hq = _steepest(offered)
    step, rise = _steepest(offered - seen)
    grid_lq, row_lq = _folded(lq)
    grid_hq, row_hq = _folded(hq)
    return {
        "step_hq": step_hq,
        "step_more": step_hq - max(step_lq, 0.0),
        "rise_hq": rise_hq,
        "rise_more": rise_hq - rise_lq,
        "step_ratio": step,
        "rise_ratio": rise,
        "grid_hq": grid_hq,
        "grid_lq": grid_lq,
        "fold_hq": row_hq,
        "fold_lq": row_lq,
    }


def _radial(plane: Plane) -> np.ndarray:
    """Logarithm of the mean power in each ring, over blocks of 128 pixels."""
    blocks = np.lib.stride_tricks.sliding_window_view(plane, (_SIDE, _SIDE))[::112, ::112]
    blocks = blocks.reshape(-1, _SIDE, _SIDE)
    window = np.outer(np.hanning(_SIDE), np.hanning(_SIDE)).astype(np.float32)
    centred = (blocks - blocks.mean(axis=(1, 2), keepdims=True)) * window
    power = (np.abs(_transform(centred)) ** 2).mean(axis=0)
    rows, columns = np.fft.fftfreq(_SIDE)[:, None], np.fft.rfftfreq(_SIDE)[None, :]
    ring = np.minimum((np.hypot(rows, columns) * 2 * _RINGS).astype(int), 2 * _RINGS).ravel()
    total = np.bincount(ring, power.ravel(), minlength=2 * _RINGS)
    count = np.maximum(np.bincount(ring, minlength=2 * _RINGS), 1)
    return np.log(total[:_RINGS] / count[:_RINGS] + 1e-7)


def _transform(blocks: np.ndarray) -> np.ndarray:
    real: np.ndarray = np.asarray(blocks, np.float32)
    return np.asarray(fft.rfft2(real))


def _steepest(rings: np.ndarray) -> tuple[float, float]:
    """Largest fall between neighbouring groups of rings beyond the usual, and rise before it, at periods of 4 to 10."""
    means = np.convolve(rings, np.full(4, 0.25), mode="valid")  # means[i] is over rings i to i + 3
    fall = rise = -9.0
    for i in range(9, 24):
        before, after = means[i - 3], means[i + 1]
        lower, upper = means[i - 8], means[i + 5]
        fall = max(fall, before - after - 0.5 * ((lower - before) + (after - upper)))
        rise = max(rise, before - lower)
    return float(fall), float(rise)


def _folded(plane: Plane) -> tuple[float, float]:
    """Strength of what repeats every 16 pixels: the strongest crossed wave, and everything."""
    rough = np.clip((plane - cv2.GaussianBlur(plane, (0, 0), 3)) * 255, -_LIMIT, _LIMIT)
    height, width = (length // _PERIOD * _PERIOD for length in plane.shape)
    tile = rough[:height, :width].reshape(height // _PERIOD, _PERIOD, -1, _PERIOD).mean(axis=(0, 2))
    power = np.abs(np.fft.fft2(tile)) ** 2 / _PERIOD**2
    crossed = power[1:, 1:]
    return log(float(crossed.max())), log(100 * float(tile.var()))
