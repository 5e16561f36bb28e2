"""Where an object or a texture is: what faults of content need to strike something rather than empty sky."""

from dataclasses import dataclass

import cv2
import numpy as np

from ggt.errors import UsageError
from ggt.images import luma, to_float
from ggt.measure.fields import local_mean
from ggt.types import Box, Image, Plane

MIN_SIDE = 32
"""Below this there is no room for an object and its surroundings."""


@dataclass(frozen=True, slots=True)
class Thing:
    """An object found in a picture: its box, and within it a soft mask of the object, 0 to 1."""

    box: Box
    mask: Plane


def require_room(image: Image, what: str) -> None:
    """Refuse pictures that are too small for a fault of a region.

    Raises:
        UsageError: a side is below `MIN_SIDE`.
    """
    height, width = image.shape[:2]
    if min(height, width) < MIN_SIDE:
        raise UsageError(
            f"{what} needs a picture of at least {MIN_SIDE} px a side, not {width}x{height}"
        )


def structure(image: Image, *, scale_px: float) -> Plane:
    """Local contrast: deviation of luma within about `scale_px`, in levels."""
    grey = luma(image) * np.float32(255)
    mean = local_mean(grey, sigma_px=scale_px)
    return np.sqrt(np.maximum(local_mean(grey * grey, sigma_px=scale_px) - mean * mean, 0)).astype(
        np.float32
    )


def find_thing(image: Image, *, share: float, rng: np.random.Generator) -> Thing:
    """Find an object of about `share` of the short side: what differs in colour from its surroundings.

    Candidates are the peaks of saliency (the colour difference between a centre and what is around it), so that things
    are met in their middle; they are ranked by that and their own structure, and one of the eight best is drawn,
    none below 60 % of the best.
    """
    height, width = image.shape[:2]
    side = max(8, round(share * min(height, width)))
    margin = side // 2 + max(2, side // 4)
    picture = to_float(image)
    apart = local_mean(picture, sigma_px=side / 4) - local_mean(picture, sigma_px=side * 0.8)
    saliency = np.sqrt(np.sum(apart * apart, axis=2)) * np.float32(255)
    peaks = saliency >= cv2.dilate(saliency, np.ones((side, side), np.uint8))
    rank = np.where(peaks, saliency + structure(image, scale_px=side / 4), 0)
    rank = rank[margin : height - margin, margin : width - margin]
    order = np.argsort(rank, axis=None)[::-1][:8]
    good = order[rank.ravel()[order] >= 0.6 * rank.max()]
    row, column = np.unravel_index(int(rng.choice(good)), rank.shape)
    centre_y, centre_x = margin + int(row), margin + int(column)
    half = side // 2 + max(2, side // 4)
    box = Box(centre_x - half, centre_y - half, 2 * half, 2 * half)
    return Thing(box, _outline(image[box.top : box.top + 2 * half, box.left : box.left + 2 * half]))


def blend(image: Image, patch: Image, *, box: Box, mask: Plane) -> Image:
    """Lay `patch` over `box` through a mask; the picture itself is not changed."""
    result = image.copy()
    rows, columns = slice(box.top, box.top + box.height), slice(box.left, box.left + box.width)
    opacity = mask[..., None]
    mixed = patch.astype(np.float32) * opacity + image[rows, columns].astype(np.float32) * (
        1 - opacity
    )
    result[rows, columns] = np.round(mixed).astype(np.uint8)
    return result


def _outline(window: Image) -> Plane:
    """Mask of what differs in colour from the window's rim, kept to a soft ellipse."""
    side = window.shape[0]
    picture = cv2.GaussianBlur(to_float(window), (0, 0), max(0.8, side / 40))
    offsets = (np.arange(side, dtype=np.float32) - (side - 1) / 2) / (side / 2)
    radius = np.hypot(offsets[:, None], offsets[None, :])
    rim = np.median(np.asarray(picture)[radius > 0.8], axis=0)
    distance = np.sqrt(np.sum((picture - rim) ** 2, axis=2))
    different = (distance > 0.6 * np.percentile(distance, 75)).astype(np.float32)
    core = np.maximum(different, (radius < 0.35).astype(np.float32)) * (radius < 0.72)
    size = 2 * max(1, side // 16) + 1
    closed = cv2.morphologyEx(core, cv2.MORPH_CLOSE, np.ones((size, size), np.uint8))
    grown = cv2.dilate(closed, np.ones((size, size), np.uint8))
    return cv2.GaussianBlur(grown, (0, 0), max(0.8, side / 40)) * np.clip((1 - radius) / 0.15, 0, 1)
