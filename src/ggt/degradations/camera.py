"""A poor camera: a little of everything in the order in which it happens: blur, reduction, noise, JPEG."""

import cv2
import numpy as np

from ggt.degradations import Degradation, Degraded
from ggt.degradations._optics import blur, disc
from ggt.degradations.jpeg import compress
from ggt.degradations.noise import add_noise
from ggt.degradations.scaling import rescale
from ggt.types import Image


def apply(clean: Image, strength: float, rng: np.random.Generator) -> Degraded:
    """Blur by up to 3 px, reduce up to 2.2 times, add noise of 3 to 18 levels, compress to quality 85 to 30."""
    radius = 0.8 + 2.2 * strength * float(rng.uniform(0.7, 1.0))
    factor = 1.1 + 1.1 * strength * float(rng.uniform(0.5, 1.0))
    sigma = 3.0 + 15.0 * strength * float(rng.uniform(0.5, 1.0))
    quality = round(85 - 55 * strength)
    soft = rescale(
        blur(clean, disc(radius)), factor=factor, down=cv2.INTER_AREA, up=cv2.INTER_CUBIC
    )
    image = compress(add_noise(soft, sigma=sigma, rng=rng), quality=quality)
    parameters = {"radius_px": radius, "factor": factor, "sigma_levels": sigma, "quality": quality}
    return Degraded(image, parameters)


PLUGIN = Degradation(
    apply=apply,
    category="general",
    source="Zhang et al. 2021, BSRGAN, section 3, and Wang et al. 2021, Real-ESRGAN, section 3.1 "
    "(first order: blur, resize, noise, JPEG)",
)
