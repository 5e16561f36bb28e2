"""Letterbox: the target's content is shrunk between bars."""

import cv2
import numpy as np

from ggt.faults import Fault, GoodPair, Planted

BAR_LEVELS = (0, 255, 128)


def plant(pair: GoodPair, strength: float, rng: np.random.Generator) -> Planted:
    """Shrink by 2 to 16 % (3.4 % at subtle) and fill two opposite borders, or all four, with black, white or grey.

    Between two bars the content is squeezed, between four it keeps its proportions.
    """
    share = 0.02 * 8.0**strength
    height, width = pair.hq.shape[:2]
    sides = int(rng.integers(3))
    level = int(rng.choice(BAR_LEVELS))
    inner_w = max(1, round(width * (1 - share))) if sides != 1 else width
    inner_h = max(1, round(height * (1 - share))) if sides != 0 else height
    left, top = (width - inner_w) // 2, (height - inner_h) // 2
    hq = np.full_like(pair.hq, level)
    content = cv2.resize(pair.hq, (inner_w, inner_h), interpolation=cv2.INTER_AREA)
    hq[top : top + inner_h, left : left + inner_w] = content
    parameters = {"share": share, "level": level, "inner_width": inner_w, "inner_height": inner_h}
    return Planted(pair.lq, hq, parameters)


PLUGIN = Fault(
    plant=plant,
    aspects=("geometry_alignment", "content_reasonableness", "object_consistency"),
    source="Generative editors pad to the aspect ratios that they know",
)
