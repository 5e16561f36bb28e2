"""Moving pixels without black borders: Lanczos interpolation, mirrored content beyond the edges."""

import cv2
import numpy as np

from ggt.types import Image, Plane


def affine(
    image: Image,
    *,
    shift: tuple[float, float] = (0.0, 0.0),
    scale: float = 1.0,
    rotation_deg: float = 0.0,
) -> Image:
    """Move content by `shift` (right, down), enlarge and turn it counter-clockwise about the centre."""
    height, width = image.shape[:2]
    matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), rotation_deg, scale)
    matrix[:, 2] += shift
    return cv2.warpAffine(
        image, matrix, (width, height), flags=cv2.INTER_LANCZOS4, borderMode=cv2.BORDER_REFLECT_101
    )


def displace(image: Image, *, right: Plane, down: Plane) -> Image:
    """Move each pixel's content by a field of displacements in pixels."""
    height, width = image.shape[:2]
    columns, rows = np.meshgrid(
        np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32)
    )
    return cv2.remap(
        image, columns - right, rows - down, cv2.INTER_LANCZOS4, borderMode=cv2.BORDER_REFLECT_101
    )
