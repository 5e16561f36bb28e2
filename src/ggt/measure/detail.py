"""Detail: what the two sides' moments, octave by octave, say about smoothing, texture, noise and objects.

All features are ratios, logarithms or multiples of the lq's own noise; `_0` is the finest octave, `_4` the coarsest.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ggt.measure.bands import Band, Grid, around, noise_floor

Features = dict[str, float]

_REFERENCE = 3
"""The octave to whose slope the others are compared: coarse enough to survive any blur, fine enough for haze."""
_LEAST = 1e-3


@dataclass(frozen=True, slots=True)
class Mismatch:
    """Per cell, how far the lq's structure is not the candidate's, in units of what noise and texture excuse."""

    both: Grid
    only_lq: Grid
    """Positive where the lq has structure that the candidate lacks, negative the other way."""


def log(value: float) -> float:
    """Natural logarithm, from 1e-4 up."""
    return float(np.log(max(value, 1e-4)))


def detail_features(bands: Sequence[Band]) -> Features:
    """Measure every octave by itself."""
    slopes = [float(b.lh.sum() / max(b.hh.sum(), _LEAST)) for b in bands]
    reference = max(slopes[_REFERENCE], 0.05)
    features: Features = {}
    for k, band in enumerate(bands):
        noise = noise_floor(band)
        measured = (
            {
                "noise": log(noise),
                "slope": log(max(slopes[k], 0.02) / reference),
                "gain": log((band.hh.mean() + 0.02) / (band.ll.mean() + 0.02)),
                "energy_hq": log(float(band.hh.mean())),
                "energy_lq": log(float(band.ll.mean())),
            }
            | _by_contrast(band, noise)
            | _texture(band, noise)
        )
        features |= {f"{name}_{k}": value for name, value in measured.items()}
    return features


def _by_contrast(band: Band, noise: float) -> Features:
    """Slopes of lq on candidate where it is flat, weak and strong.

    A smoother and a half removed degradation both leave weakened copies of what the lq has where contrast is weak:
    there the slope exceeds that of the strong parts.
    """
    lowest, quarter, middle, upper = np.percentile(band.hh, (5, 25, 40, 70))
    weak = (band.hh >= lowest) & (band.hh <= middle)
    flat, strong = band.hh <= quarter, band.hh >= upper
    strong_slope = max(_slope(band, strong), 0.05)
    energy = max(float(band.hh[weak].sum()), _LEAST)
    error = (noise / energy * weak.mean() * 4) ** 0.5 / 16
    return {
        "bend": log(max(_slope(band, weak) - error, 0.02) / strong_slope),
        "flat_slope": log(max(_slope(band, flat), 0.02) / strong_slope),
        "flat_gain": log((band.hh[flat].mean() + 0.05) / (band.ll[flat].mean() + 0.05)),
        "flat_likeness": _likeness(band, flat),
        "flat_left": _left(band, flat, strong_slope),
        "weak_left": _left(band, weak, strong_slope),
        "own": _own(band, np.full(band.ll.shape, True)),
        "flat_own": _own(band, flat),
        "strong_own": _own(band, strong),
        "even": log((_added(band, flat) + 0.05) / (_added(band, strong) + 0.05)),
    }


def _likeness(band: Band, where: np.ndarray) -> float:
    return float(
        band.lh[where].sum() / max(band.ll[where].sum() * band.hh[where].sum(), 1e-6) ** 0.5
    )


def _left(band: Band, where: np.ndarray, slope: float) -> float:
    """How much of what the candidate does not explain of the lq lies in the candidate, in shares of its strength."""
    ll, hh, lh = (float(grid[where].sum()) for grid in (band.ll, band.hh, band.lh))
    rest = ll - 2 * slope * lh + slope**2 * hh
    return float(np.clip((slope * lh - slope**2 * hh) / max(rest, 0.05 * ll + _LEAST), -3, 3))


def _own(band: Band, where: np.ndarray) -> float:
    """Logarithm of the candidate's part that the lq does not explain, over the lq's that the candidate does not."""
    rest = np.maximum(band.ll - band.lh**2 / np.maximum(band.hh, _LEAST), 0)
    return log((_added(band, where) + 0.1) / (float(rest[where].mean()) + 0.1))


def _added(band: Band, where: np.ndarray) -> float:
    """Energy of the candidate that the lq does not explain; of added noise flat parts have as much as others."""
    return float(np.maximum(band.hh - band.lh**2 / np.maximum(band.ll, _LEAST), 0)[where].mean())


def _slope(band: Band, where: np.ndarray) -> float:
    return float(band.lh[where].sum() / max(band.hh[where].sum(), _LEAST))


def _texture(band: Band, noise: float) -> Features:
    """How alike the strong textures are, noise allowed for, and how the unexplained part grows with the texture."""
    strong = band.hh >= np.percentile(band.hh, 70)
    seen, offered = float(band.ll[strong].sum()), max(float(band.hh[strong].sum()), _LEAST)
    expected_noise = noise * int(strong.sum())
    signal = max(seen - expected_noise, 0.1 * seen, _LEAST)
    slope = around(band.lh, 5) / np.maximum(around(band.hh, 5), 1e-2)
    explained = slope**2 * band.hh
    rest = np.maximum(band.ll - 2 * slope * band.lh + explained, 0)
    weight = 1 / (noise + explained)
    design = np.stack([weight.ravel(), (explained * weight).ravel()], axis=1)
    growth = np.linalg.lstsq(design, (rest * weight).ravel(), rcond=None)[0][1]
    return {
        "likeness": float(band.lh[strong].sum() / (signal * offered) ** 0.5),
        "clarity": log((seen - expected_noise) / expected_noise),
        "growth": float(np.clip(growth, -1, 3)),
    }


def mismatches(bands: Sequence[Band]) -> tuple[Mismatch, ...]:
    """Compare structure cell by cell, in windows of two cells, in all octaves but the finest."""
    return tuple(_mismatch(band) for band in bands[1:])


def _mismatch(band: Band) -> Mismatch:
    noise = noise_floor(band)
    seen, offered, common = around(band.ll, 2), around(band.hh, 2), around(band.lh, 2)
    slope = np.clip(around(band.lh, 7) / np.maximum(around(band.hh, 7), 1e-2), 0.02, 3)
    expected = slope**2 * offered
    excused = noise + 0.15 * (seen + expected) + 0.3
    both = (seen - 2 * slope * common + expected - noise) / excused
    return Mismatch(both, (seen - expected) / excused)


def object_features(found: Sequence[Mismatch]) -> Features:
    """Find the cells that match least: fourth largest of each octave and of octaves together."""
    features: Features = {}
    for k, mismatch in enumerate(found, start=1):
        ranked = np.sort(mismatch.both, axis=None)
        lacking = np.sort(mismatch.only_lq, axis=None)
        features |= {
            f"mismatch_{k}": float(ranked[-4]),
            f"mismatch_median_{k}": float(np.median(ranked)),
            f"mismatch_90_{k}": float(ranked[int(0.9 * ranked.size)]),
            f"lacking_{k}": float(lacking[-4]),
            f"invented_{k}": float(-lacking[3]),
        }
    for name, chosen in (("all", found), ("middle", found[1:3]), ("coarse", found[2:])):
        ranked = np.sort(np.mean([m.both for m in chosen], axis=0), axis=None)
        features |= {
            f"mismatch_{name}": float(ranked[-4]),
            f"mismatch_peak_{name}": float(ranked[-4] - ranked[int(0.95 * ranked.size)]),
            f"mismatch_98_{name}": float(ranked[int(0.98 * ranked.size)]),
        }
    return features
