"""Half restored: one side of the target is restored, the other is not."""

import numpy as np

from ggt.faults import Fault, GoodPair, Planted
from ggt.faults._evidence import same
from ggt.images import to_float, to_uint8
from ggt.types import Box


def plant(pair: GoodPair, strength: float, rng: np.random.Generator) -> Planted:
    """Leave 45 to 100 % of the degradation (59 % at subtle) beyond a straight seam across the picture."""
    left = 0.45 + 0.55 * strength
    box = _side(pair.hq.shape[:2], rng)
    rows, columns = slice(box.top, box.top + box.height), slice(box.left, box.left + box.width)
    faithful = to_float(pair.hq[rows, columns])
    hq = pair.hq.copy()
    hq[rows, columns] = to_uint8(
        faithful + np.float32(left) * (to_float(pair.lq[rows, columns]) - faithful)
    )
    return Planted(pair.lq, hq, {"left": left}, box=box, decidable=not same(hq, pair.hq))


def _side(shape: tuple[int, int], rng: np.random.Generator) -> Box:
    """Draw the unrestored side: left, right, top or bottom of a seam at 35 to 65 %."""
    height, width = shape
    at = float(rng.uniform(0.35, 0.65))
    row, column = max(1, round(at * height)), max(1, round(at * width))
    sides = (
        Box(0, 0, column, height),
        Box(min(column, width - 1), 0, max(1, width - column), height),
        Box(0, 0, width, row),
        Box(0, min(row, height - 1), width, max(1, height - row)),
    )
    return sides[int(rng.integers(4))]


PLUGIN = Fault(
    plant=plant,
    aspects=("restoration_quality", "content_reasonableness", "colour_consistency"),
    source="Tiled and interrupted generation: some tiles come back as they went in",
)
