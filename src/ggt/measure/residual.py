"""Residual: what the candidate does not explain of the lq, and what of it the candidate still holds.

Flakes, drops and grain are in the residual of a faithful target and not in the target itself; a target that holds a
part of them is half restored. Ringing shows as echoes at some distance from edges.
"""

import cv2
import numpy as np

from ggt.measure.detail import Features, log
from ggt.measure.fields import local_mean
from ggt.types import Mask, Plane

_FEWEST = 50
_LEVEL = 255.0


def residual_features(lq: Plane, hq: Plane) -> Features:
    """Measure both luma planes at half size, the candidate on the lq's grid."""
    return _left_over(lq, hq) | _echoes(lq, hq)


def _left_over(lq: Plane, hq: Plane) -> Features:
    seen, offered = _structure(lq), _structure(hq)
    slope = local_mean(seen * offered, sigma_px=24.0) / (
        local_mean(offered * offered, sigma_px=24.0) + np.float32(1e-5)
    )
    explained = np.clip(slope, 0.02, 3) * offered
    rest = seen - explained
    spread = 1.48 * float(np.median(np.abs(rest[::2, ::2]))) + 0.5 / _LEVEL
    features = {
        "rest_spread": log(spread * _LEVEL),
        "rest_likeness": _likeness(rest, explained),
    }
    for name, mask in (("bright", rest > 4 * spread), ("dark", rest < -4 * spread)):
        features |= {
            f"{name}_cover": log(float(mask.mean()) + 1e-4),
            f"{name}_left": _share_left(rest, explained, mask),
            f"{name}_likeness": _likeness(rest[mask], explained[mask]),
        }
    return features


def _structure(plane: Plane) -> Plane:
    return cv2.GaussianBlur(plane, (0, 0), 0.8) - local_mean(plane, sigma_px=8.0)


def _share_left(rest: Plane, explained: Plane, mask: Mask) -> float:
    """How much of the spots that stand out of the residual lies in the candidate, in shares of their strength."""
    spots = rest[mask]
    if spots.size < _FEWEST:
        return 0.0
    return float(np.clip(np.vdot(spots, explained[mask]) / np.vdot(spots, spots), -3, 3))


def _likeness(one: np.ndarray, two: np.ndarray) -> float:
    if one.size < _FEWEST:
        return 0.0
    return float(np.vdot(one, two) / (float(np.vdot(one, one) * np.vdot(two, two)) + 1e-9) ** 0.5)


def _echoes(lq: Plane, hq: Plane) -> Features:
    """Energy some pixels beside edges against that farther away (`far`) and at the edges (`near`)."""
    smooth = cv2.GaussianBlur(hq, (0, 0), 1.5)
    strength = cv2.magnitude(
        cv2.Sobel(smooth, cv2.CV_32F, 1, 0), cv2.Sobel(smooth, cv2.CV_32F, 0, 1)
    )
    edges = (strength > np.percentile(strength[::4, ::4], 97)).astype(np.uint8)
    near, beside, far = (
        cv2.dilate(edges, np.ones((side, side), np.uint8)) > 0 for side in (7, 17, 41)
    )
    features: Features = {}
    for name, plane in (("lq", lq), ("hq", hq)):
        fine = (plane - cv2.GaussianBlur(plane, (0, 0), 2)) * _LEVEL
        energy = np.minimum(fine * fine, 12.0**2)
        echo = _mean(energy, beside & ~near)
        features[f"echo_far_{name}"] = log(echo / _mean(energy, far & ~beside))
        features[f"echo_near_{name}"] = log(echo / _mean(energy, near))
    for name in ("far", "near"):
        features[f"echo_{name}_more"] = features[f"echo_{name}_hq"] - features[f"echo_{name}_lq"]
    return features


def _mean(energy: Plane, mask: Mask) -> float:
    return (float(energy[mask].mean()) if mask.any() else 0.0) + 0.05
