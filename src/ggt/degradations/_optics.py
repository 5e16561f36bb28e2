"""Point spread functions, and blurring in linear light, where lenses and shutters blur."""

import cv2
import numpy as np

from ggt.images import to_float, to_uint8
from ggt.types import FloatImage, Image, Plane

_DISPLAY_GAMMA = 2.2
_TO_LINEAR = ((np.arange(256) / 255.0) ** _DISPLAY_GAMMA).astype(np.float32)


def to_linear(image: Image) -> FloatImage:
    """Turn sRGB bytes into light, 0 to 1, by a power of 2.2 (the exact sRGB curve differs below 2 levels)."""
    return _TO_LINEAR[image]


def from_linear(light: FloatImage) -> FloatImage:
    """Turn light into sRGB, 0 to 1; light out of range is clipped."""
    return cv2.pow(np.clip(light, 0.0, 1.0), 1.0 / _DISPLAY_GAMMA)


def disc(radius_px: float) -> Plane:
    """Point spread function of a defocused lens: a disc with anti-aliased rim, sum 1."""
    reach = int(np.ceil(radius_px))
    offsets = np.arange(-reach, reach + 1, dtype=np.float32)
    distance = np.hypot(offsets[:, None], offsets[None, :])
    kernel = np.clip(radius_px + 0.5 - distance, 0.0, 1.0)
    return (kernel / kernel.sum()).astype(np.float32)


def path(points: Plane) -> Plane:
    """Point spread function of a movement: `points` (N, 2) as x, y in pixels around their mean, sum 1.

    Its centroid is the kernel's centre, so that the blurred picture is not displaced.
    """
    centred = points - points.mean(axis=0)
    reach = int(np.ceil(np.abs(centred).max())) + 1
    side = 2 * reach + 1
    kernel = np.zeros((side, side), np.float64)
    base = np.floor(centred).astype(int)
    fraction = centred - base
    for dx in (0, 1):
        for dy in (0, 1):
            weight = np.abs(1 - dx - fraction[:, 0]) * np.abs(1 - dy - fraction[:, 1])
            np.add.at(kernel, (base[:, 1] + dy + reach, base[:, 0] + dx + reach), weight)
    return (kernel / kernel.sum()).astype(np.float32)


def line(length_px: float, *, angle_deg: float) -> Plane:
    """Point spread function of a straight movement; 0 degrees is horizontal, 90 vertical."""
    along = np.linspace(-0.5, 0.5, 4 * int(np.ceil(length_px)) + 1) * length_px
    angle = np.deg2rad(angle_deg)
    points = np.stack((along * np.cos(angle), along * np.sin(angle)), axis=1)
    return path(points.astype(np.float32))


def blur(image: Image, kernel: Plane) -> Image:
    """Blur by a point spread function, in linear light, mirrored at the borders."""
    light = cv2.filter2D(to_linear(image), -1, kernel, borderType=cv2.BORDER_REFLECT)
    return to_uint8(from_linear(light))


def screen(image: Image, layer: Plane, *, brightness: float) -> Image:
    """Lay a white-ish layer of opacity `layer` (0 to 1) over a picture, as drops and flakes do."""
    opacity = layer[..., None]
    return to_uint8(to_float(image) * (1 - opacity) + brightness * opacity)
