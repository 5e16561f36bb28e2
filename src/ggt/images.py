"""The only decoder and encoder: files and bytes to uint8 RGB arrays and back, without surprises."""

import numpy as np

from ggt.types import FloatImage, Image


def to_float(image: Image) -> FloatImage:
    """Turn bytes into values from 0 to 1."""
    return image.astype(np.float32) / np.float32(255)


def to_uint8(picture: FloatImage) -> Image:
    """Turn values from 0 to 1 into bytes: rounded, clipped."""
    return np.clip(picture * 255 + 0.5, 0, 255).astype(np.uint8)
