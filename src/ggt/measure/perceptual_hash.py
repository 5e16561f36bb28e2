"""Perceptual hash: 64 bits that stay nearly the same when a photo is resized, recompressed or toned.

The sign of the lowest frequencies against their median (Zauner, "Implementation and benchmarking of perceptual image
hash functions", 2010, section 3.2.1).
"""

import cv2
import numpy as np

from ggt.images import luma, thumbnail
from ggt.measure.exposure import SMALL_SIDE
from ggt.types import Image

_SIDE = 32
_FREQUENCIES = 8


def perceptual_hash(image: Image) -> int:
    """Return 64 bits as one number; compare two by `(a ^ b).bit_count()`, 0 (same) to 64.

    The photo and its copy with a short side of 256 pixels give the same bits.
    """
    small = cv2.resize(thumbnail(image, SMALL_SIDE), (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
    spectrum = cv2.dct(luma(small.astype(np.uint8, copy=False)))[
        :_FREQUENCIES, :_FREQUENCIES
    ].ravel()
    # The mean (first coefficient) says nothing of the picture's shape, so it takes no part in the median.
    bits = spectrum > np.median(spectrum[1:])
    return int.from_bytes(np.packbits(bits).tobytes(), "big")
