"""JPEG compression: what a few re-uploads leave."""

import cv2
import numpy as np

from ggt.degradations import Degradation, Degraded
from ggt.types import Image


def compress(image: Image, *, quality: int) -> Image:
    """Encode and decode as JPEG, chroma halved (4:2:0)."""
    bgr = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    _, code = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])
    decoded = cv2.imdecode(code, cv2.IMREAD_COLOR)
    assert decoded is not None, "OpenCV could not read its own JPEG"
    return cv2.cvtColor(decoded, cv2.COLOR_BGR2RGB)


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
