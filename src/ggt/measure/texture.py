"""Texture: whether the waves of the candidate's textures are those of the lq, frequency by frequency.

Within one frequency any blur is a mere factor, so the share of the lq's power that the candidate explains there
(magnitude-squared coherence over many blocks) hangs on noise alone, and noise is known from flat blocks. Texture that
was drawn anew leaves power unexplained that noise does not account for.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Bool, Float64
from scipy import fft

from ggt.measure.detail import Features
from ggt.types import Plane

_BLOCK = 32
_RINGS = ((0.06, 0.12), (0.12, 0.2), (0.2, 0.3), (0.3, 0.45))
"""Frequencies in cycles per pixel."""
_FEWEST = 0.04
"""A class with fewer of the blocks than this share takes ..."""
_INSTEAD = 0.2
"""... the share that comes nearest."""
_FLOOR = 1e-9

Spectrum = Float64[np.ndarray, "rows columns"]


@dataclass(frozen=True, slots=True)
class _Blocks:
    """Transforms of all blocks, with the candidate's contrast in levels and how much its gradients agree (0 to 1)."""

    lq: np.ndarray
    hq: np.ndarray
    contrast: np.ndarray
    coherence: np.ndarray


def texture_features(lq: Plane, hq: Plane) -> Features:
    """Measure two luma planes at full size, the candidate on the lq's grid; `_0` is the lowest ring.

    For blocks without a direction (`texture`) and with one (`lines`): `excess` is the power that noise does not
    explain over the explained one, `likeness` (0 to 1) the amplitude share that follows, `clear` the logarithm of
    explained power over noise; `less` and `more` compare textures with lines.
    """
    blocks = _transform(lq, hq)
    noise = _unexplained(blocks, blocks.contrast <= np.quantile(blocks.contrast, 0.25))
    strong = blocks.contrast > np.median(blocks.contrast)
    features: Features = {}
    for name, direction in (("texture", -blocks.coherence), ("lines", blocks.coherence)):
        bound = -0.35 if name == "texture" else 0.55
        chosen = strong & (direction > bound)
        if chosen.mean() < _FEWEST:
            chosen = direction >= np.quantile(direction, 1 - _INSTEAD)
        features |= {f"{name}_{key}": value for key, value in _rings(blocks, chosen, noise).items()}
    for ring in range(len(_RINGS)):
        for key in ("excess", "likeness"):
            more = features[f"texture_{key}_{ring}"] - features[f"lines_{key}_{ring}"]
            features[f"texture_more_{key}_{ring}"] = more
    return features


def _rings(blocks: _Blocks, chosen: Bool[np.ndarray, " blocks"], noise: Spectrum) -> Features:
    weights = 1 / np.maximum(blocks.contrast[chosen], 1) ** 2
    explained, rest = _powers(blocks, chosen, weights)
    expected = noise * weights.mean()
    features: Features = {}
    for ring, inside in enumerate(_ring_masks()):
        known, left, noisy = explained[inside], rest[inside], expected[inside]
        trust = (known / (known + noisy + _FLOOR)) ** 2
        excess = np.clip((left - noisy) / (known + _FLOOR), -1, 3)
        beyond = max(float(left.sum() - noisy.sum()), 0.0)
        total = float(known.sum())
        clear = np.log((total + _FLOOR) / (float(noisy.sum()) + _FLOOR))
        features |= {
            f"excess_{ring}": float((trust * excess).sum() / (trust.sum() + 0.05 * trust.size)),
            f"likeness_{ring}": (total / (total + beyond + _FLOOR)) ** 0.5,
            f"clear_{ring}": float(np.clip(clear, -4, 6)),
        }
    return features


def _unexplained(blocks: _Blocks, chosen: Bool[np.ndarray, " blocks"]) -> Spectrum:
    return _powers(blocks, chosen, np.ones(int(chosen.sum())))[1]


def _powers(
    blocks: _Blocks, chosen: Bool[np.ndarray, " blocks"], weights: np.ndarray
) -> tuple[Spectrum, Spectrum]:
    """Power of the lq that the candidate explains in the chosen blocks, and the rest of it."""
    lq, hq = blocks.lq[chosen], blocks.hq[chosen]
    weight = (weights / len(lq))[:, None, None]
    seen = (np.abs(lq) ** 2 * weight).sum(axis=0)
    offered = (np.abs(hq) ** 2 * weight).sum(axis=0)
    common = np.abs((lq * np.conj(hq) * weight).sum(axis=0)) ** 2
    explained = common / (offered + 1e-12)
    return explained, np.maximum(seen - explained, 0)


def _transform(lq: Plane, hq: Plane) -> _Blocks:
    sides = [_spectra(plane) for plane in (lq, hq)]
    inside = np.logical_or.reduce(_ring_masks())
    contrast = np.sqrt((np.abs(sides[1][:, inside]) ** 2).mean(axis=1)) * 255
    return _Blocks(sides[0], sides[1], contrast, _coherence(hq))


def _spectra(plane: Plane) -> np.ndarray:
    blocks = _cut(plane)
    window = np.outer(*[np.hanning(_BLOCK + 2)[1:-1]] * 2).astype(np.float32)
    centred: np.ndarray = (blocks - blocks.mean(axis=(1, 2), keepdims=True)) * window
    return np.asarray(fft.rfft2(centred))


def _cut(plane: Plane) -> np.ndarray:
    rows, columns = (length // _BLOCK for length in plane.shape)
    cells = plane[: rows * _BLOCK, : columns * _BLOCK].reshape(rows, _BLOCK, columns, _BLOCK)
    return cells.transpose(0, 2, 1, 3).reshape(-1, _BLOCK, _BLOCK)


def _coherence(plane: Plane) -> np.ndarray:
    """How much the gradients within a block agree in direction: 1 on a line or an edge, near 0 in grass."""
    smooth = cv2.GaussianBlur(plane, (0, 0), 0.8)
    right, down = cv2.Sobel(smooth, cv2.CV_32F, 1, 0), cv2.Sobel(smooth, cv2.CV_32F, 0, 1)
    xx, yy, xy = (
        _cut(product.astype(np.float32, copy=False)).mean(axis=(1, 2))
        for product in (right * right, down * down, right * down)
    )
    return np.hypot(xx - yy, 2 * xy) / (xx + yy + 1e-8)


def _ring_masks() -> list[np.ndarray]:
    frequency = np.hypot(np.fft.fftfreq(_BLOCK)[:, None], np.fft.rfftfreq(_BLOCK)[None, :])
    return [(frequency >= low) & (frequency < high) for low, high in _RINGS]
