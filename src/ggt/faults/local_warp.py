"""Local warp: one region of the target is bent."""

import numpy as np

from ggt.faults import Fault, GoodPair, Planted
from ggt.faults._evidence import shows
from ggt.faults._regions import find_thing, require_room
from ggt.faults._warp import displace
from ggt.types import Box


def plant(pair: GoodPair, strength: float, rng: np.random.Generator) -> Planted:
    """Displace a structured region of a fifth of the short side by 2 to 20 pixels (3.6 at subtle) at its centre."""
    require_room(pair.hq, "local_warp")
    height, width = pair.hq.shape[:2]
    distance = 2.0 * 10.0**strength
    sigma = 0.065 * min(height, width)
    thing = find_thing(pair.hq, share=0.12, rng=rng)
    centre = (thing.box.left + thing.box.width / 2, thing.box.top + thing.box.height / 2)
    rows = (np.arange(height, dtype=np.float32)[:, None] - centre[1]) / sigma
    columns = (np.arange(width, dtype=np.float32)[None, :] - centre[0]) / sigma
    bump = np.exp(-(rows**2 + columns**2) / 2).astype(np.float32)
    angle = float(rng.uniform(0, 2 * np.pi))
    right, down = distance * float(np.cos(angle)), distance * float(np.sin(angle))
    hq = displace(pair.hq, right=bump * np.float32(right), down=bump * np.float32(down))
    box = _within(centre, 1.5 * sigma, (height, width))
    parameters = {"right_px": right, "down_px": down, "sigma_px": sigma}
    return Planted(pair.lq, hq, parameters, box=box, decidable=shows(pair, hq, box=box))


def _within(centre: tuple[float, float], reach: float, shape: tuple[int, int]) -> Box:
    left, top = max(0, round(centre[0] - reach)), max(0, round(centre[1] - reach))
    right, bottom = min(shape[1], round(centre[0] + reach)), min(shape[0], round(centre[1] + reach))
    return Box(left, top, right - left, bottom - top)


PLUGIN = Fault(
    plant=plant,
    aspects=("geometry_alignment", "object_consistency", "content_reasonableness"),
    source="GGT-100K (arXiv 2605.31039), geometry alignment: local deformation by generative editors",
)
