"""Filling a hole with what surrounds it: a nearby patch with a like rim, its tone bent to fit."""

import cv2
import numpy as np

from ggt.faults._regions import Thing, blend
from ggt.images import to_float, to_uint8
from ggt.measure.fields import local_mean
from ggt.types import Box, FloatImage, Image, Plane

REACH = 2.5
"""How far the patch is looked for, in sides of the hole's box."""


def fill(image: Image, thing: Thing) -> Image:
    """Paint the thing over as if it had never been there."""
    box, mask = thing.box, thing.mask
    target = to_float(image[box.top : box.top + box.height, box.left : box.left + box.width])
    top, left = _likest(image, box, mask)
    patch = to_float(image[top : top + box.height, left : left + box.width])
    fitted = to_uint8(patch + _tone_difference(target - patch, mask))
    return blend(image, fitted, box=box, mask=mask)


def _likest(image: Image, box: Box, mask: Plane) -> tuple[int, int]:
    """Corner of the window, clear of the hole, whose rim is most like the hole's rim; searched at a quarter size."""
    height, width = image.shape[:2]
    reach = round(REACH * box.width)
    top, left = max(0, box.top - reach), max(0, box.left - reach)
    bottom, right = (
        min(height, box.top + box.height + reach),
        min(width, box.left + box.width + reach),
    )
    factor = max(1, box.width // 16)
    area = _shrink(image[top:bottom, left:right], factor)
    window = _shrink(image[box.top : box.top + box.height, box.left : box.left + box.width], factor)
    rim = (cv2.resize(mask, window.shape[1::-1], interpolation=cv2.INTER_AREA) < 0.1).astype(
        np.float32
    )
    cost = cv2.matchTemplate(area, window, cv2.TM_SQDIFF, mask=cv2.merge([rim] * 3))
    cost = np.where(np.isfinite(cost), cost, np.inf)
    own = ((box.top - top) // factor, (box.left - left) // factor)
    clear = round(0.75 * window.shape[0])
    cost[max(0, own[0] - clear) : own[0] + clear, max(0, own[1] - clear) : own[1] + clear] = np.inf
    row, column = np.unravel_index(int(np.argmin(cost)), cost.shape)
    found_top = min(top + int(row) * factor, height - box.height)
    found_left = min(left + int(column) * factor, width - box.width)
    return found_top, found_left


def _shrink(image: Image, factor: int) -> FloatImage:
    size = (max(1, image.shape[1] // factor), max(1, image.shape[0] // factor))
    return cv2.resize(to_float(image), size, interpolation=cv2.INTER_AREA)


def _tone_difference(difference: FloatImage, mask: Plane) -> FloatImage:
    """Carry the difference outside the mask smoothly into it (normalised averaging)."""
    known = np.clip(1 - mask, 0, 1) ** 2 + np.float32(1e-4)
    sigma = mask.shape[0] / 6
    total = local_mean(difference * known[..., None], sigma_px=sigma)
    return total / local_mean(known, sigma_px=sigma)[..., None]
