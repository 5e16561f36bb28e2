"""Object moved: something stands elsewhere in the target than in the lq."""

import numpy as np

from ggt.faults import Fault, GoodPair, Planted
from ggt.faults._evidence import cut, shows
from ggt.faults._fill import fill
from ggt.faults._regions import blend, find_thing, require_room
from ggt.types import Box


def plant(pair: GoodPair, strength: float, rng: np.random.Generator) -> Planted:
    """Move an object of 4 to 20 % of the short side (6 % at subtle) by one to two of its sizes."""
    require_room(pair.hq, "object_moved")
    share = 0.04 * 5.0**strength
    thing = find_thing(pair.hq, share=share, rng=rng)
    place = _elsewhere(thing.box, pair.hq.shape[:2], rng)
    emptied = fill(pair.hq, thing)
    hq = blend(emptied, pair.hq[cut(pair.hq.shape, thing.box)], box=place, mask=thing.mask)
    box = _around(thing.box, place)
    parameters = {
        "share": share,
        "right_px": float(place.left - thing.box.left),
        "down_px": float(place.top - thing.box.top),
    }
    return Planted(pair.lq, hq, parameters, box=box, decidable=shows(pair, hq, box=box))


def _elsewhere(box: Box, shape: tuple[int, int], rng: np.random.Generator) -> Box:
    """Draw a place within the picture; the opposite one where the first lies outside."""
    distance = box.width * float(rng.uniform(0.8, 1.6))
    angle = float(rng.uniform(0, 2 * np.pi))
    moves = (distance * np.cos(angle), distance * np.sin(angle))
    ends = [
        int(np.clip(start + move if 0 <= start + move <= limit else start - move, 0, limit))
        for start, move, limit in (
            (box.left, moves[0], shape[1] - box.width),
            (box.top, moves[1], shape[0] - box.height),
        )
    ]
    return Box(ends[0], ends[1], box.width, box.height)


def _around(one: Box, two: Box) -> Box:
    left, top = min(one.left, two.left), min(one.top, two.top)
    right = max(one.left + one.width, two.left + two.width)
    bottom = max(one.top + one.height, two.top + two.height)
    return Box(left, top, right - left, bottom - top)


PLUGIN = Fault(
    plant=plant,
    aspects=("object_consistency", "geometry_alignment", "content_reasonableness"),
    source="GGT-100K (arXiv 2605.31039), object consistency: editors rearrange",
)
