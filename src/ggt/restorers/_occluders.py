"""Things that lie over the picture and are thin or small: scratches, flakes, streaks. Found by top-hats, painted over.

Telea: An Image Inpainting Technique Based on the Fast Marching Method, 2004, as in OpenCV. Bright hair, twigs and lamps
look like scratches and flakes to any such rule: the masks are strict, and lettering is never painted over.
"""

import cv2
import numpy as np
from jaxtyping import Bool

from ggt.images import luma, to_uint8
from ggt.measure.lettering import lettering
from ggt.restorers._condition import Condition
from ggt.types import FloatImage, Mask, Plane

Flags = Bool[np.ndarray, "shapes"]

CALM = 0.006
"""Mean gradient a pixel, 0 to 1, of a ground on which a lone spot is no part of an object. Ours."""
MAX_CHROMA = 0.25
"""Flakes, dust and scratches have less colour, 0 to 1, than lamps, flowers and beaks. Ours."""
NOISE_MARGIN = 5.0
"""An occluder stands out by this many sigmas of the noise. Ours."""


def remove_scratches(picture: FloatImage, condition: Condition, strength: float) -> FloatImage:
    """Paint over long thin white lines and lone white specks; `strength` lowers the contrast they need."""
    grey = luma(picture)
    side = _odd(min(grey.shape) / 55)
    shapes = _Shapes((_tophat(grey, side) > _contrast(0.16, condition, strength)) & _white(picture))
    long = (shapes.length > 4 * side) & (shapes.thickness < side / 2) & shapes.sparse(4 * side, 0.1)
    speck = (shapes.length < 1.5 * side) & shapes.sparse(4 * side, 0.04)
    ground = _unrest(grey, side)
    wanted = (long & shapes.lies_on(ground, 2 * CALM)) | (speck & shapes.lies_on(ground, CALM))
    return _painted_over(picture, shapes.select(wanted), grey)


def remove_flakes(picture: FloatImage, condition: Condition, strength: float) -> FloatImage:
    """Paint over small white compact spots; `strength` lowers the contrast they need."""
    grey = luma(picture)
    side = _odd(min(grey.shape) / 32)
    shapes = _Shapes((_tophat(grey, side) > _contrast(0.08, condition, strength)) & _white(picture))
    flake = (shapes.length < 1.4 * side) & (shapes.area > 2) & (shapes.fill > 0.3)
    wanted = flake & shapes.sparse(2 * side, 0.3) & shapes.lies_on(_unrest(grey, side), 3 * CALM)
    return _painted_over(picture, shapes.select(wanted), grey)


def remove_streaks(picture: FloatImage, condition: Condition, strength: float) -> FloatImage:
    """Paint over thin bright lines within 35 degrees of the vertical; `strength` lowers the contrast they need."""
    grey = luma(picture)
    side = _odd(min(grey.shape) / 100)
    shapes = _Shapes(_tophat(grey, side) > _contrast(0.06, condition, strength))
    streak = (
        (shapes.height > 2 * side)
        & (shapes.width < 0.7 * shapes.height)
        & (shapes.thickness < side)
    )
    wanted = streak & shapes.lies_on(_unrest(grey, side), 3 * CALM)
    return _painted_over(picture, shapes.select(wanted), grey)


class _Shapes:
    """The connected shapes of a mask and their measures, one array element each; element 0 is the background."""

    def __init__(self, mask: Mask) -> None:
        self._mask = mask
        _, labels, stats, centres = cv2.connectedComponentsWithStats(mask.astype(np.uint8))
        self._labels = labels.astype(np.int64)
        self._column, self._row = np.rint(centres).astype(np.int64).T
        self.width, self.height, self.area = (
            stats[:, index].astype(np.float32) for index in (2, 3, 4)
        )
        self.length = np.hypot(self.width, self.height)
        self.thickness = self.area / np.maximum(self.length, 1)
        self.fill = self.area / (self.width * self.height)

    def sparse(self, radius_px: int, share: float) -> Flags:
        """True where less than `share` of the surroundings stands out as well: no hair, no foliage."""
        side = 2 * radius_px + 1
        density = cv2.blur(self._mask.astype(np.float32), (side, side))[self._row, self._column]
        own = np.minimum(self.area / side**2, density / 2)
        return density - own < share

    def lies_on(self, unrest: Plane, bound: float) -> Flags:
        """True where the ground around the shape has less structure than `bound`."""
        return unrest[self._row, self._column] < bound

    def select(self, wanted: Flags) -> Mask:
        """Return the mask of the wanted shapes."""
        table = wanted.copy()
        table[0] = False
        return table[self._labels]


def _painted_over(picture: FloatImage, mask: Mask, grey: Plane) -> FloatImage:
    """Fill what the mask covers from around it; lettering and everything outside stay untouched."""
    if not mask.any():
        return picture
    wide = cv2.dilate(mask.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    wide &= ~lettering(grey)
    filled = cv2.inpaint(to_uint8(picture), wide.astype(np.uint8), 3, cv2.INPAINT_TELEA)
    return np.where(wide[..., None], filled.astype(np.float32) / 255, picture).astype(np.float32)


def _white(picture: FloatImage) -> Mask:
    return picture.max(axis=2) - picture.min(axis=2) < MAX_CHROMA


def _unrest(grey: Plane, side: int) -> Plane:
    """Mean gradient, 0 to 1 a pixel, of what remains when everything as small as an occluder is taken away."""
    ground = cv2.medianBlur(to_uint8(grey), 2 * (side // 2) + 1).astype(np.float32) / 255
    across, down = cv2.Sobel(ground, cv2.CV_32F, 1, 0) / 8, cv2.Sobel(ground, cv2.CV_32F, 0, 1) / 8
    return cv2.blur(np.hypot(across, down), (3 * side, 3 * side)).astype(np.float32)


def _tophat(grey: Plane, side: int) -> Plane:
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    return cv2.morphologyEx(grey, cv2.MORPH_TOPHAT, disc).astype(np.float32)


def _contrast(least: float, condition: Condition, strength: float) -> float:
    return max(least / max(strength, 0.1), NOISE_MARGIN * condition.noise_sigma / 255)


def _odd(size: float) -> int:
    return max(5, 2 * round(size / 2) + 1)
