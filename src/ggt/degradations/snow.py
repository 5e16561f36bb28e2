"""Snow: flakes of many sizes and distances, the near ones blurred and drawn out, and a thin veil."""

import cv2
import numpy as np

from ggt.degradations import Degradation, Degraded
from ggt.degradations._optics import line, screen
from ggt.degradations.haze import veil
from ggt.types import Image, Plane

SIZES = (0.0012, 0.0025, 0.005)
"""Radius of far, middle and near flakes, in short sides."""


def apply(clean: Image, strength: float, rng: np.random.Generator) -> Degraded:
    """Let flakes hide 1 to 10 % of the picture, under a veil that takes 2 to 20 % of the light."""
    cover = 0.01 * 10.0**strength
    angle = float(rng.normal(90, 25))
    taken = 0.02 + 0.18 * strength
    shape = (clean.shape[0], clean.shape[1])
    flakes = np.zeros(shape, np.float32)
    for size in SIZES:
        radius = max(0.7, size * min(shape))
        layer = _flakes(shape, cover=cover / len(SIZES), radius_px=radius, rng=rng)
        if radius > 2:
            layer = cv2.filter2D(layer, -1, line(2 * radius, angle_deg=angle))
        flakes = 1 - (1 - flakes) * (1 - layer)
    transmission = np.full(shape, 1 - taken, np.float32)
    veiled = veil(clean, transmission=transmission, airlight=(0.85, 0.86, 0.88))
    parameters = {"cover": cover, "angle_deg": angle, "veil": taken}
    return Degraded(screen(veiled, flakes, brightness=0.97), parameters)


def _flakes(
    shape: tuple[int, int], *, cover: float, radius_px: float, rng: np.random.Generator
) -> Plane:
    """Opacity of one layer: ragged discs of random radius and opacity, softened by their distance to the focus."""
    layer = np.zeros(shape, np.float32)
    count = round(cover * shape[0] * shape[1] / (np.pi * radius_px**2))
    centres = rng.uniform(0, 1, (count, 2)) * (shape[1], shape[0])
    axes = radius_px * rng.uniform(0.5, 1.4, (count, 2))
    opacities = rng.uniform(0.45, 1.0, count)
    turns = rng.uniform(0, 180, count)
    for centre, axis, opacity, turn in zip(centres, axes, opacities, turns, strict=True):
        box = (tuple(centre.tolist()), tuple((2 * axis).tolist()), float(turn))
        cv2.ellipse(layer, box, float(opacity), -1, cv2.LINE_8)
    return np.clip(cv2.GaussianBlur(layer, (0, 0), 0.45 * radius_px), 0, 1)


PLUGIN = Degradation(
    apply=apply,
    category="snow",
    source="Liu et al. 2018, DesnowNet, section III (translucent flakes of several sizes, Snow100K); "
    "Chen et al. 2020, JSTASR, eq. 1 (veil)",
)
