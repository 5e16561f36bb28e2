import numpy as np
import pytest

from ggt.images import read_image
from ggt.sources.bundled import bundled_folder
from ggt.types import Image


@pytest.fixture(scope="session")
def coffee() -> Image:
    """A clean photo with calm and with detailed parts, 256 px."""
    return np.ascontiguousarray(read_image(bundled_folder() / "coffee.png").image[60:316, 150:406])


@pytest.fixture(scope="session")
def astronaut() -> Image:
    """A clean photo of a face, 256 px."""
    whole = read_image(bundled_folder() / "astronaut.png").image
    return np.ascontiguousarray(whole[:256, 100:356])
