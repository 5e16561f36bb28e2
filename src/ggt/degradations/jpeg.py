"""JPEG compression: what a few re-uploads leave."""

import numpy as np

from ggt.degradations import Degradation, Degraded
from ggt.images import decode_image, encode_jpeg
from ggt.types import Image


def compress(image: Image, *, quality: int) -> Image:
    """Encode and decode as JPEG, chroma halved (4:2:0)."""
    return decode_image(encode_jpeg(image, quality=quality)).image


def apply(clean: Image, strength: float, rng: np.random.Generator) -> Degraded:
    """Compress at quality 70 down to 8; nothing is drawn."""
    del rng
    quality = round(70 * (8 / 70) ** strength)
    return Degraded(compress(clean, quality=quality), {"quality": quality})


PLUGIN = Degradation(
    apply=apply,
    category="general",
    source="Wang et al. 2021, Real-ESRGAN, section 3.1 (JPEG compression)",
)
