import cv2
import numpy as np
import pytest

from ggt.measure.sharpness import blur_px
from ggt.measure.tiles import sample_tiles


def blurred(image: np.ndarray, sigma: float) -> np.ndarray:
    return cv2.GaussianBlur(image, (0, 0), sigma)


@pytest.mark.parametrize("sigma", [1, 2, 3, 4])
def test_known_blur_joins_the_photos_own_within_a_fifth(clean, sigma):
    own = [blur_px(sample_tiles(image), 0.5) for image in clean]
    found = [blur_px(sample_tiles(blurred(image, sigma)), 0.5) for image in clean]
    assert found == pytest.approx([float(np.hypot(sigma, blur)) for blur in own], rel=0.2)


def test_more_blur_measures_as_more_on_every_photo(clean):
    for image in clean:
        found = [blur_px(sample_tiles(blurred(image, sigma)), 0.5) for sigma in (0.5, 1, 2, 4)]
        assert found == sorted(found)


def test_noise_does_not_make_a_blurred_photo_sharp(clean):
    rng = np.random.default_rng(0)
    for image in clean:
        soft = blurred(image, 2)
        noisy = np.clip(soft + rng.normal(0, 10, soft.shape), 0, 255).round().astype(np.uint8)
        assert blur_px(sample_tiles(noisy), 6.0) > 1.4


def test_a_blurred_step_has_the_blur_that_was_given():
    step = np.zeros((128, 128), np.float32)
    step[:, 64:] = 0.8
    found = blur_px((cv2.GaussianBlur(step, (0, 0), 3.0),), 0.0)
    assert found == pytest.approx(3.0, rel=0.05)


@pytest.mark.parametrize("shape", [(1, 1), (9, 200), (64, 64)])
def test_pictures_without_edges_measure_no_blur(shape):
    assert blur_px((np.full(shape, 0.5, np.float32),), 0.0) == 0
