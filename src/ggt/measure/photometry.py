"""Photometry: the tone curve and the colours that lead from a candidate back to its lq.

One tone curve shared by the channels, with spatial terms (haze, uneven fading), is fitted first; what the channels then
need each by itself is a cast; colour differences, freed of what luma explains (sepia), give hue and saturation.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Bool, Float64

from ggt.images import to_float
from ggt.measure.detail import Features, log
from ggt.types import Image

_SIDE = 96
_FEWEST = 400
_CORRELATED = 30.0
"""So many neighbouring pixels share one error."""
_SPATIAL = 6
_TO_YIQ = np.array([[0.299, 0.587, 0.114], [0.596, -0.274, -0.322], [0.211, -0.523, 0.312]])

Colours = Float64[np.ndarray, "pixels 3"]


@dataclass(frozen=True, slots=True)
class _Pair:
    """Both sides at 96x96, values 0 to 1.

    `lq`, `hq` and `places` (-1 to 1, quadratic) leave out what is clipped; `whole` holds both sides complete, and
    `usable` says which of its pixels are not clipped.
    """

    lq: Colours
    hq: Colours
    places: Float64[np.ndarray, "pixels 6"]
    whole: tuple[Colours, Colours]
    usable: Bool[np.ndarray, " all"]


@dataclass(frozen=True, slots=True)
class _Tone:
    """The shared curve's slope at every value, and what it leaves of each channel, with robust weights."""

    slopes: Colours
    rest: Colours
    weights: Colours
    spread: float


def colour_features(lq: Image, hq: Image) -> Features:
    """Measure cast, hue, saturation, tone and clipping of a candidate against its lq."""
    pair = _shrink(lq, hq)
    tone = _fit_tone(pair)
    return {"tone_rest": log(255 * tone.spread)} | _cast(pair, tone) | _hues(pair) | _tones(pair)


def _shrink(lq: Image, hq: Image) -> _Pair:
    sides = [
        cv2.GaussianBlur(
            to_float(cv2.resize(side, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)), (0, 0), 0.7
        )
        .astype(np.float64)
        .reshape(-1, 3)
        for side in (lq, hq)
    ]
    down, right = np.mgrid[-1 : 1 : _SIDE * 1j, -1 : 1 : _SIDE * 1j].reshape(2, -1)
    places = np.stack(
        [np.ones_like(right), right, down, right * right, down * down, right * down], 1
    )
    seen, offered = sides
    usable = (
        (offered.max(axis=1) < 0.97) & (offered.min(axis=1) > 0.015) & (seen.max(axis=1) < 0.98)
    )
    if usable.sum() < _FEWEST:
        usable[:] = True
    return _Pair(seen[usable], offered[usable], places[usable], (seen, offered), usable)


def _fit_tone(pair: _Pair) -> _Tone:
    """Fit lq = cubic(hq) + quadratic(place) + hq * quadratic(place), shared by the channels, robustly."""
    designs: list[np.ndarray] = []
    for channel in pair.hq.T[..., None]:
        designs.append(np.hstack([pair.places, pair.places * channel, channel**2, channel**3]))
    design, values = np.vstack(designs), pair.lq.T.ravel()
    weights = np.ones(len(values))
    rest, spread, gains = values, 1.0, np.zeros(design.shape[1])
    for _ in range(3):
        weighted = design * weights[:, None]
        gram = weighted.T @ design + 1e-7 * len(values) * np.eye(design.shape[1])
        gains = np.asarray(np.linalg.solve(gram, weighted.T @ values))
        rest = values - design @ gains
        spread = max(1.48 * float(np.median(np.abs(rest))), 0.002)
        weights = 1 / (1 + (rest / (2.5 * spread)) ** 2)
    linear = (pair.places @ gains[_SPATIAL : 2 * _SPATIAL])[:, None]
    slopes = linear + 2 * gains[-2] * pair.hq + 3 * gains[-1] * pair.hq**2
    shape = (3, len(pair.lq))
    return _Tone(slopes, rest.reshape(shape).T, weights.reshape(shape).T, spread)


def _cast(pair: _Pair, tone: _Tone) -> Features:
    """Gain of each channel that the shared curve cannot explain, as natural logarithms.

    `cast_gain` allows every channel an offset (tinted airlight), `cast_level` does not; `cast_contrast` compares the
    channels' spread alone, `cast_mean` their means.
    """
    gains, levels, errors = np.zeros(3), np.zeros(3), np.zeros(3)
    for c in range(3):
        weight, rest = tone.weights[:, c], tone.rest[:, c]
        change = np.maximum(tone.slopes[:, c], 0.02) * pair.hq[:, c]
        design = np.stack([change, np.ones_like(change)], axis=1)
        gram = (design * weight[:, None]).T @ design + 1e-6 * len(rest) * np.eye(2)
        inverse = np.asarray(np.linalg.inv(gram))
        gains[c] = (inverse @ (design * weight[:, None]).T @ rest)[0]
        errors[c] = (inverse[0, 0] * float(np.mean(rest**2)) * _CORRELATED) ** 0.5
        levels[c] = (change * weight * rest).sum() / ((change**2 * weight).sum() + 1e-6 * len(rest))
    contrast = np.log((pair.lq.std(axis=0) + 0.004) / (pair.hq.std(axis=0) + 0.004))
    mean = np.log(pair.lq.mean(axis=0) + 0.01) - np.log(pair.hq.mean(axis=0) + 0.01)
    gain = float(np.ptp(gains))
    return {
        "cast_gain": gain,
        "cast_sure": max(0.0, gain - 1.5 * float(errors.max())),
        "cast_level": float(np.ptp(levels)),
        "cast_contrast": float(np.ptp(contrast)),
        "cast_mean": float(np.ptp(mean)),
        "cast_least": float(min(gain, np.ptp(levels), np.ptp(contrast))),
        "cast_warm": float(gains[0] - gains[2]),
        "cast_warm_level": float(levels[0] - levels[2]),
        "cast_green": float(gains[1] - (gains[0] + gains[2]) / 2),
        "cast_green_level": float(levels[1] - (levels[0] + levels[2]) / 2),
    }


def _hues(pair: _Pair) -> Features:
    """Turn and stretch of the colour plane (I, Q of YIQ) from candidate to lq, each less 1.5 of its errors.

    Once over all (`hue`), once for what differs from its surroundings (`hue_near`), where haze and fading are even.
    """
    seen, seen_luma = _own_colour(pair.lq)
    offered, offered_luma = _own_colour(pair.hq)
    near = [_near_colour(side, pair.usable) for side in pair.whole]
    slope = float(np.cov(seen_luma, offered_luma)[0, 1] / (offered_luma.var() + 1e-9))
    over_all, nearby = _turn(seen, offered), _turn(near[0], near[1])
    return (
        {f"hue_{name}": value for name, value in over_all.items()}
        | {f"hue_near_{name}": value for name, value in nearby.items()}
        | {
            "colour_lost": over_all["kept"] - log(max(slope, 0.02)),
            "colour_lost_near": nearby["kept"] - log(max(slope, 0.02)),
            "luma_slope": log(max(slope, 0.02)),
            "colour_spread": log((seen.std() + 0.002) / (offered.std() + 0.002)),
            "colour_hq": log(float(offered.std()) + 0.001),
            "colour_lq": log(float(seen.std()) + 0.001),
        }
    )


def _turn(seen: np.ndarray, offered: np.ndarray) -> Features:
    """Fit seen = matrix * offered, two planes each."""
    count = len(seen)
    gram = offered.T @ offered + 1e-7 * count * np.eye(2)
    matrix = np.asarray(np.linalg.solve(gram, offered.T @ seen)).T
    rest = seen - offered @ matrix.T
    along, across = matrix[0, 0] + matrix[1, 1], matrix[1, 0] - matrix[0, 1]
    stretch = 0.5 * float(np.hypot(along, across))
    angle = min(abs(float(np.rad2deg(np.arctan2(across, along)))), 90.0)
    variance = max(float(offered.var(axis=0).sum()), 1e-8)
    error = (float(rest.var(axis=0).sum()) / variance / count * _CORRELATED) ** 0.5
    angle_error = float(np.rad2deg(error / max(stretch, 0.02)))
    sure = max(0.0, angle - 1.5 * angle_error)
    return {
        "deg": angle,
        "error": log(angle_error),
        "sure_deg": sure,
        "turn": log(sure + 0.5),
        "ratio": log(angle / (angle_error + 0.5) + 0.1),
        "kept": log(max(stretch - 1.5 * error, 0.01)),
    }


def _near_colour(colours: Colours, usable: Bool[np.ndarray, " all"]) -> np.ndarray:
    """Colour differences less their surroundings (8 % of the side) and what luma explains of the rest."""
    planes = (colours @ _TO_YIQ.T).reshape(_SIDE, _SIDE, 3).astype(np.float32)
    known = usable.reshape(_SIDE, _SIDE).astype(np.float32)
    total = cv2.GaussianBlur(planes * known[..., None], (0, 0), 4.0)
    mean = total / (cv2.GaussianBlur(known, (0, 0), 4.0) + np.float32(1e-3))[..., None]
    rest = (planes - mean).reshape(-1, 3)[usable].astype(np.float64)
    grey = rest[:, :1]
    share = (grey * rest[:, 1:]).sum(axis=0) / ((grey**2).sum() + 1e-9)
    return rest[:, 1:] - grey * share


def _own_colour(colours: Colours) -> tuple[np.ndarray, np.ndarray]:
    """Colour differences less what a parabola of luma explains, and luma."""
    planes = colours @ _TO_YIQ.T
    grey = planes[:, 0]
    basis = np.stack([np.ones_like(grey), grey, grey * grey], axis=1)
    return planes[:, 1:] - basis @ np.linalg.lstsq(basis, planes[:, 1:], rcond=None)[0], grey


def _tones(pair: _Pair) -> Features:
    grey_lq, grey_hq = pair.lq @ _TO_YIQ[0], pair.hq @ _TO_YIQ[0]
    chroma_lq, chroma_hq = (float(np.ptp(side, axis=1).mean()) for side in (pair.lq, pair.hq))
    brightness = log((float(grey_lq.mean()) + 0.02) / (float(grey_hq.mean()) + 0.02))
    contrast = [
        float(np.percentile(grey, 95) - np.percentile(grey, 5)) + 0.01
        for grey in (grey_lq, grey_hq)
    ]
    return {
        "chroma_hq": log(chroma_hq + 0.003),
        "chroma_lq": log(chroma_lq + 0.003),
        "chroma_lost": log(chroma_lq + 0.003) - log(chroma_hq + 0.003) - brightness,
        "contrast_lost": log(contrast[0] / contrast[1]),
        "brighter": float(grey_hq.mean() - grey_lq.mean()),
        "luma_lq": float(grey_lq.mean()),
        "luma_hq": float(grey_hq.mean()),
    }
