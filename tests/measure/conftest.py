from pathlib import Path

import numpy as np
import pytest

from ggt.images import read_image


@pytest.fixture(scope="session")
def clean(photos: Path) -> list[np.ndarray]:
    """Five clean photos of different kinds, 768 pixels at most a side: fine, flat, dark, bright, leafy."""
    names = ("kodak_04.png", "kodak_23.png", "camera_13.jpg", "camera_35.jpg", "clean_03.jpg")
    return [read_image(photos / "clean" / name).image[:768, :768] for name in names]
