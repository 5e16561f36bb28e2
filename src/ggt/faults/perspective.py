"""Perspective: the target is seen from a slightly different angle."""

import cv2
import numpy as np

from ggt.faults import Fault, GoodPair, Planted
from ggt.faults._evidence import shows


def plant(pair: GoodPair, strength: float, rng: np.random.Generator) -> Planted:
    """Move the four corners by 0.5 to 4 % of the short side (0.8 % at subtle), neighbours against each other."""
    height, width = pair.hq.shape[:2]
    percent = 0.5 * 8.0**strength
    distance = percent / 100 * min(height, width)
    corners = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float32)
    start = float(rng.uniform(0, 2 * np.pi))
    # Neighbouring corners move nearly against each other, which no shift, turn, scale or shear can do.
    angles = start + np.array([0.0, 0.75, 0.25, 1.25]) * np.pi
    moved = corners + distance * np.stack((np.cos(angles), np.sin(angles)), axis=1)
    matrix = cv2.getPerspectiveTransform(corners, moved.astype(np.float32))
    hq = cv2.warpPerspective(
        pair.hq,
        matrix,
        (width, height),
        flags=cv2.INTER_LANCZOS4,
        borderMode=cv2.BORDER_REFLECT_101,
    )
    parameters = {"corners_px": distance, "direction_deg": float(np.rad2deg(start))}
    return Planted(pair.lq, hq, parameters, decidable=shows(pair, hq))


PLUGIN = Fault(
    plant=plant,
    aspects=("geometry_alignment",),
    source="Generative editors re-render from a changed viewpoint; GGT-100K (arXiv 2605.31039), geometry alignment",
)
