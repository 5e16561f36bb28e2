"""Blocking: the target carries the 8x8 blocks of strong JPEG compression."""

import numpy as np

from ggt.faults import Fault, GoodPair, Planted
from ggt.images import decode_image, encode_jpeg


def plant(pair: GoodPair, strength: float, rng: np.random.Generator) -> Planted:
    """Compress the target at quality 35 down to 6 (23 at subtle)."""
    del rng
    quality = round(35 * (6 / 35) ** strength)
    hq = decode_image(encode_jpeg(pair.hq, quality=quality)).image
    return Planted(pair.lq, hq, {"quality": quality})


PLUGIN = Fault(
    plant=plant,
    aspects=("restoration_quality", "content_reasonableness"),
    source="Answers stored as strongly compressed JPEG",
)
