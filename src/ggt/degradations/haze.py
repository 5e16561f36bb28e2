"""Haze: with distance the scene fades into the airlight."""

import cv2
import numpy as np

from ggt.degradations import Degradation, Degraded
from ggt.images import to_float, to_uint8
from ggt.measure.fields import smooth_field
from ggt.types import Image, Plane


def depth(shape: tuple[int, int], rng: np.random.Generator) -> Plane:
    """Draw a smooth depth of 0 (near) to 1 (far): the ground recedes upwards, uneven by a third."""
    height, width = shape
    horizon = float(rng.uniform(0.1, 0.5))
    rows = np.linspace(0, 1, height, dtype=np.float32)[:, None]
    ramp = np.clip((1 - rows) / (1 - horizon), 0, 1) * np.ones((1, width), np.float32)
    uneven = smooth_field(shape, scale_px=max(shape) / 3, rng=rng)
    return np.clip(0.15 + 0.7 * ramp + 0.15 * uneven, 0, 1).astype(np.float32)


def veil(image: Image, *, transmission: Plane, airlight: tuple[float, float, float]) -> Image:
    """Mix with the airlight: I = J t + A (1 - t), Koschmieder's law, on display values as the field does."""
    through = cv2.merge([transmission] * 3)
    light = np.array(airlight, np.float32)
    return to_uint8(to_float(image) * through + light * (1 - through))


def apply(clean: Image, strength: float, rng: np.random.Generator) -> Degraded:
    """Scatter with beta 0.5 to 2.5 over the unit depth, under an airlight of 0.75 to 1.0, slightly tinted."""
    beta = 0.5 + 2.0 * strength
    grey = float(rng.uniform(0.75, 0.97))
    tint = float(rng.uniform(-0.02, 0.03))
    transmission = np.exp(-beta * depth(clean.shape[:2], rng))
    image = veil(clean, transmission=transmission, airlight=(grey - tint, grey, grey + tint))
    parameters = {
        "beta": beta,
        "airlight": grey,
        "tint": tint,
        "mean_transmission": float(transmission.mean()),
    }
    return Degraded(image, parameters)


PLUGIN = Degradation(
    apply=apply,
    category="haze",
    source="Koschmieder 1924; Li et al. 2019, RESIDE, section III (airlight 0.7 to 1.0, beta 0.6 to 1.8); "
    "depth is a random smooth recession, not measured",
)
