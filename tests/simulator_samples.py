"""Pictures for the tests of the simulated provider."""

import cv2
import numpy as np


def sample(side, seed=0):
    """A smooth picture with a little noise, the same every time."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(40, 216, (8, 8, 3), dtype=np.uint8)
    smooth = cv2.resize(coarse, (side, side), interpolation=cv2.INTER_CUBIC).astype(float)
    return np.clip(smooth + rng.normal(0, 4, smooth.shape), 0, 255).astype(np.uint8)
