"""Blocking: the target carries the 8x8 blocks of strong JPEG compression."""

import cv2
import numpy as np

from ggt.faults import Fault, GoodPair, Planted


def plant(pair: GoodPair, strength: float, rng: np.random.Generator) -> Planted:
    """Compress the target at quality 35 down to 6 (23 at subtle)."""
    del rng
    quality = round(35 * (6 / 35) ** strength)
    bgr = cv2.cvtColor(pair.hq, cv2.COLOR_RGB2BGR)
    _, code = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])
    decoded = cv2.imdecode(code, cv2.IMREAD_COLOR)
    assert decoded is not None, "OpenCV could not read its own JPEG"
    hq = cv2.cvtColor(decoded, cv2.COLOR_BGR2RGB)
    return Planted(pair.lq, hq, {"quality": quality})


PLUGIN = Fault(
    plant=plant,
    aspects=("restoration_quality", "content_reasonableness"),
    source="Answers stored as strongly compressed JPEG",
)
