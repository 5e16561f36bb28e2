import cv2
import numpy as np
import pytest

from ggt.measure.noise import noise_sigma
from ggt.measure.tiles import sample_tiles


def noisy(image: np.ndarray, sigma: float, *, grain_px: float = 0.0) -> np.ndarray:
    grain = np.random.default_rng(0).normal(0, 1, image.shape[:2]).astype(np.float32)
    if grain_px:
        grain = cv2.GaussianBlur(grain, (0, 0), grain_px)
        grain /= grain.std()
    return np.clip(image + sigma * grain[:, :, None], 0, 255).round().astype(np.uint8)


@pytest.mark.parametrize("sigma", [5, 15, 30])
def test_known_noise_on_clean_photos_is_measured_within_a_sixth(clean, sigma):
    found = [noise_sigma(sample_tiles(noisy(image, sigma))) for image in clean]
    assert found == pytest.approx([sigma] * len(found), rel=1 / 6)


def test_coarse_grain_is_not_missed(clean):
    found = [noise_sigma(sample_tiles(noisy(image, 15, grain_px=0.8))) for image in clean]
    assert min(found) > 10


def test_clean_photos_measure_almost_none(clean):
    assert max(noise_sigma(sample_tiles(image)) for image in clean) < 2


def test_enlarging_hides_noise_which_is_why_it_is_measured_before(clean):
    image = noisy(clean[0], 15)
    large = cv2.resize(image, None, fx=2.5, fy=2.5, interpolation=cv2.INTER_LANCZOS4)
    assert noise_sigma(sample_tiles(large)) < 0.9 * noise_sigma(sample_tiles(image))


@pytest.mark.parametrize("shape", [(1, 1), (15, 400), (17, 16)])
def test_tiny_pictures_measure_nothing_rather_than_fail(shape):
    assert noise_sigma((np.full(shape, 0.5, np.float32),)) == pytest.approx(0, abs=1e-3)


def test_clipped_black_says_nothing_about_noise():
    assert noise_sigma((np.zeros((64, 64), np.float32),)) == 0
