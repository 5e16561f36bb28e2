"""Large frontal faces are found where they are, and elsewhere nothing is."""

import numpy as np
import pytest

from ggt.images import read_image
from ggt.measure.faces import find_faces
from ggt.sources.bundled import bundled_folder
from ggt.types import Image


@pytest.fixture(scope="module")
def astronaut() -> Image:
    return read_image(bundled_folder() / "astronaut.png").image


def test_a_face_is_found_where_it_is_in_pixels_of_the_picture(astronaut: Image):
    (face,) = find_faces(astronaut)
    height, width = astronaut.shape[:2]
    nose = (round(0.435 * width), round(0.225 * height))
    assert face.left < nose[0] < face.left + face.width
    assert face.top < nose[1] < face.top + face.height
    assert face.width < width / 3


def test_a_face_upside_down_or_on_a_green_picture_is_none(astronaut: Image):
    assert find_faces(np.ascontiguousarray(astronaut[::-1])) == ()
    green = (astronaut * np.array([0.3, 1.0, 0.3])).astype(np.uint8)
    assert find_faces(green) == ()


def test_no_face_is_found_in_calm_pictures_in_noise_or_in_one_pixel():
    noise = np.random.default_rng(2).integers(0, 256, (300, 400, 3), dtype=np.uint8)
    assert find_faces(noise) == ()
    assert find_faces(np.full((512, 512, 3), 128, np.uint8)) == ()
    assert find_faces(noise[:1, :1]) == ()
    assert find_faces(noise[:40, :]) == ()


def test_faces_of_the_real_photos_are_found_as_counted(photos):
    found = {
        name: bool(find_faces(_square(read_image(photos / name).image)))
        for name in ("clean/kodak_04.png", "lq/old/old_11.png", "clean/camera_09.jpg")
    }
    assert found == {
        "clean/kodak_04.png": True,
        "lq/old/old_11.png": True,
        "clean/camera_09.jpg": False,
    }


def _square(image: Image) -> Image:
    side = min(image.shape[:2])
    top, left = (image.shape[0] - side) // 2, (image.shape[1] - side) // 2
    return np.ascontiguousarray(image[top : top + side, left : left + side])
