"""Old photo: faded and yellowed, soft and grainy, scratched and dusty."""

import cv2
import numpy as np

from ggt.degradations import Degradation, Degraded
from ggt.images import luma, to_float, to_uint8
from ggt.measure.fields import smooth_field
from ggt.types import FloatImage, Image, Plane

PAPER = np.array([0.93, 0.86, 0.70], np.float32)
"""Colour of yellowed paper, sRGB."""


def apply(clean: Image, strength: float, rng: np.random.Generator) -> Degraded:
    """Fade by 25 to 65 %, tone towards sepia, blur by 0.5 to 1.8 px, add grain, scratches and dust."""
    fade = 0.25 + 0.4 * strength
    sepia = 0.35 + 0.6 * strength
    blur_px = 0.5 + 1.3 * strength
    grain = 0.012 + 0.035 * strength
    shape = (clean.shape[0], clean.shape[1])
    toned = _tone(to_float(clean), fade=fade, sepia=sepia, rng=rng)
    toned = cv2.GaussianBlur(toned, (0, 0), blur_px)
    toned += (grain * _grain(shape, rng))[..., None]
    wear = _wear(shape, strength=strength, rng=rng)[..., None]
    image = to_uint8(toned * (1 - wear) + PAPER * wear)
    parameters = {
        "fade": fade,
        "sepia": sepia,
        "blur_px": blur_px,
        "grain": grain,
        "wear": float(wear.mean()),
    }
    return Degraded(image, parameters)


def _tone(
    picture: FloatImage, *, fade: float, sepia: float, rng: np.random.Generator
) -> FloatImage:
    """Raise the blacks, lower the whites, unevenly over the sheet, and replace colour by brown."""
    grey = luma(picture)[..., None]
    brown = grey ** np.array([0.85, 1.0, 1.3], np.float32)
    toned = picture * (1 - sepia) + brown * sepia
    uneven = smooth_field(picture.shape[:2], scale_px=max(picture.shape) / 2, rng=rng)
    faded = np.clip(fade * (1 + 0.2 * uneven), 0, 0.9)[..., None]
    return (toned * (1 - faded) + 0.75 * PAPER * faded).astype(np.float32)


def _grain(shape: tuple[int, int], rng: np.random.Generator) -> Plane:
    """Silver grain: noise smooth over 1.2 pixels, of unit deviation."""
    noise = cv2.GaussianBlur(rng.standard_normal(shape, dtype=np.float32), (0, 0), 1.2)
    return noise * np.float32(2 * np.sqrt(np.pi) * 1.2)


def _wear(shape: tuple[int, int], *, strength: float, rng: np.random.Generator) -> Plane:
    """Opacity of scratches (long thin polylines) and dust (small specks), both lighter than the picture."""
    layer = np.zeros(shape, np.float32)
    height, width = shape
    for _ in range(round(2 + 12 * strength)):
        start = rng.uniform(0, 1, 2) * (width, height)
        heading = rng.normal(np.pi / 2, 0.5)
        turns = heading + np.cumsum(rng.normal(0, 0.08, 12))
        step = rng.uniform(0.1, 0.9) * height / 12
        points = start + np.cumsum(np.stack((np.cos(turns), np.sin(turns)), axis=1) * step, axis=0)
        thickness = 1 if strength < 0.5 else int(rng.integers(1, 3))
        corners = [np.round(points * 8).astype(np.int32)]
        opacity = float(rng.uniform(0.4, 0.9))
        cv2.polylines(layer, corners, False, opacity, thickness, cv2.LINE_AA, shift=3)
    for _ in range(round(20 + 180 * strength)):
        centre = tuple((rng.uniform(0, 1, 2) * (width, height)).astype(int).tolist())
        cv2.circle(layer, centre, int(rng.integers(0, 3)), float(rng.uniform(0.3, 0.9)), -1)
    return cv2.GaussianBlur(layer, (0, 0), 0.6)


PLUGIN = Degradation(
    apply=apply,
    category="old",
    source="Wan et al. 2020, Bringing old photos back to life, section 4.1 and supplement "
    "(structured: scratches and dust; unstructured: blur, grain, fading)",
)
