"""What a vlm sees of a pair besides both sides at full size: small places at their own pixels, each pixel doubled."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from ggt.answers import MustKeep, Region
from ggt.types import Box, Image

MAX_CROPS = 4
"""Each is one more picture to pay for; ours."""
CROP_MARGIN = 0.25
"""Of the place's longer side, on every side."""
MIN_CROP_PX = 128
MAX_CROP_PX = 384
"""Larger places are seen well enough at full size."""
ENLARGEMENT = 2
"""By repeating pixels: nothing is invented that could be taken for a halo or for detail."""
GAP_PX = 16
GAP_LEVEL = 128
_FIRST = re.compile(
    r"\b(face|faces|person|people|man|woman|child|children|boy|girl|portrait|head|eye|eyes"
    r"|text|letter|letters|lettering|sign|signs|number|numbers|plate|logo|writing|caption|word|words)\b",
    re.IGNORECASE,
)
SETTINGS = (
    f"full size; at most {MAX_CROPS} crops, margin {CROP_MARGIN}, {MIN_CROP_PX} to {MAX_CROP_PX} px, "
    f"repeated {ENLARGEMENT}x, gap {GAP_PX} px of {GAP_LEVEL}; first {_FIRST.pattern}"
)
"""All of the above in words: part of the judge's version."""


@dataclass(frozen=True, slots=True)
class Crop:
    """Both sides of one place: the lq's left, the candidate's right, a grey bar between them."""

    number: int
    """Of the must-keep item, from 1."""
    picture: Image


def crops(lq: Image, candidate: Image, must_keep: Sequence[MustKeep]) -> tuple[Crop, ...]:
    """Cut the places that are too small to be judged at full size; faces, people and text first."""
    height, width = lq.shape[:2]
    found: list[Crop] = []
    numbered = sorted(enumerate(must_keep, 1), key=lambda one: not _FIRST.search(one[1].what))
    for number, item in numbered:
        window = _window(item.where, width=width, height=height)
        if window is not None:
            found.append(Crop(number, _side_by_side(lq, candidate, window)))
    return tuple(found[:MAX_CROPS])


def pixels_of(region: Region | None, box: Box) -> Box | None:
    """Turn thousandths of what lies in the box into pixels around it; None where the place is unknown."""
    if region is None or region.left >= region.right or region.top >= region.bottom:
        return None
    left, top = region.left * box.width // 1000, region.top * box.height // 1000
    right = -(-region.right * box.width // 1000)
    bottom = -(-region.bottom * box.height // 1000)
    return Box(box.left + left, box.top + top, right - left, bottom - top)


def _window(region: Region, *, width: int, height: int) -> Box | None:
    """The square to cut around a place, inside the picture; None for places without extent and for large ones."""
    place = pixels_of(region, Box(0, 0, width, height))
    if place is None:
        return None
    longer = max(place.width, place.height)
    side = max(MIN_CROP_PX, round(longer * (1 + 2 * CROP_MARGIN)))
    if side > MAX_CROP_PX:
        return None
    across, down = min(side, width), min(side, height)
    left = min(max(0, place.left + place.width // 2 - across // 2), width - across)
    top = min(max(0, place.top + place.height // 2 - down // 2), height - down)
    return Box(left, top, across, down)


def _side_by_side(lq: Image, candidate: Image, window: Box) -> Image:
    rows = slice(window.top, window.top + window.height)
    columns = slice(window.left, window.left + window.width)
    size = (window.width * ENLARGEMENT, window.height * ENLARGEMENT)
    sides = [
        cv2.resize(side[rows, columns], size, interpolation=cv2.INTER_NEAREST)
        for side in (lq, candidate)
    ]
    bar = np.full((size[1], GAP_PX, 3), GAP_LEVEL, np.uint8)
    return np.concatenate([sides[0], bar, sides[1]], axis=1).astype(np.uint8, copy=False)
