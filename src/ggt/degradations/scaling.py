"""Scaling: a picture reduced and enlarged again, by kernels as varied as those of viewers and web sites."""

import cv2
import numpy as np

from ggt.degradations import Degradation, Degraded
from ggt.types import Image

DOWN = (cv2.INTER_AREA, cv2.INTER_LINEAR, cv2.INTER_CUBIC)
UP = (cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_LANCZOS4)


def rescale(image: Image, *, factor: float, down: int, up: int) -> Image:
    """Reduce by `factor` and enlarge to the same size; the field of view does not move."""
    height, width = image.shape[:2]
    size = (max(1, round(width / factor)), max(1, round(height / factor)))
    return cv2.resize(
        cv2.resize(image, size, interpolation=down), (width, height), interpolation=up
    )


def apply(clean: Image, strength: float, rng: np.random.Generator) -> Degraded:
    """Reduce 1.5 to 6 times; some kernels alias, some smooth."""
    factor = 1.5 * 4.0**strength
    down = int(rng.choice(DOWN))
    up = int(rng.choice(UP))
    image = rescale(clean, factor=factor, down=down, up=up)
    return Degraded(image, {"factor": factor, "down_kernel": down, "up_kernel": up})


PLUGIN = Degradation(
    apply=apply,
    category="general",
    source="Wang et al. 2021, Real-ESRGAN, section 3.1 (area, bilinear and bicubic resizing)",
)
