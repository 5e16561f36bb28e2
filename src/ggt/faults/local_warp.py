"""Local warp: one region of the target is bent."""

import numpy as np

from ggt.faults import Fault, GoodPair, Planted
from ggt.faults._evidence import shows
from ggt.faults._regions import find_thing, require_room
from ggt.faults._warp import displace
from ggt.types import Box


def plant(pair: GoodPair, strength: float, rng: np.random.Generator) -> Planted:
    """Displace the middle of a structured region, a quarter of the short side, by 2 to 20 pixels (3.6 at subtle).

    The displacement falls to nothing at the region's rim; in small pictures it is at most half of the radius.
    """
    require_room(pair.hq, "local_warp")
    height, width = pair.hq.shape[:2]
    radius = 0.13 * min(height, width)
    distance = min(2.0 * 10.0**strength, radius / 2)
    thing = find_thing(pair.hq, share=0.12, rng=rng)
    centre = (thing.box.left + thing.box.width / 2, thing.box.top + thing.box.height / 2)
    rows = np.arange(height, dtype=np.float32).reshape(-1, 1) - np.float32(centre[1])
    columns = np.arange(width, dtype=np.float32).reshape(1, -1) - np.float32(centre[0])
    nearness = np.clip(1 - np.hypot(rows, columns) / np.float32(radius), 0, 1)
    bump = (1 - np.cos(np.float32(np.pi) * nearness)) / 2
    angle = float(rng.uniform(0, 2 * np.pi))
    right, down = distance * float(np.cos(angle)), distance * float(np.sin(angle))
    hq = displace(pair.hq, right=bump * np.float32(right), down=bump * np.float32(down))
    box = _around(centre, radius, (height, width))
    parameters = {"right_px": right, "down_px": down, "radius_px": radius}
    return Planted(pair.lq, hq, parameters, box=box, decidable=shows(pair, hq, box=box))


def _around(centre: tuple[float, float], radius: float, shape: tuple[int, int]) -> Box:
    left, top = max(0, int(centre[0] - radius)), max(0, int(centre[1] - radius))
    right, bottom = (
        min(shape[1], int(centre[0] + radius) + 2),
        min(shape[0], int(centre[1] + radius) + 2),
    )
    return Box(left, top, right - left, bottom - top)


PLUGIN = Fault(
    plant=plant,
    aspects=("geometry_alignment", "object_consistency", "content_reasonableness"),
    source="GGT-100K (arXiv 2605.31039), geometry alignment: local deformation by generative editors",
)
