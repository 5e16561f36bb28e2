import math

import numpy as np
import pytest
from skimage.metrics import peak_signal_noise_ratio

from ggt.errors import SizeMismatchError
from ggt.metrics._planes import BT601, YIQ, luma_levels, luma_text
from ggt.metrics.psnr import psnr
from ggt.metrics.psnr_y import psnr_y


def noisy_pair(height=97, width=131):
    rng = np.random.default_rng(7)
    gt = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
    noise = rng.normal(0, 12, gt.shape)
    return np.clip(gt + noise, 0, 255).astype(np.uint8), gt


def test_psnr_equals_scikit_image_on_rgb():
    restored, gt = noisy_pair()
    assert psnr(restored, gt) == pytest.approx(peak_signal_noise_ratio(gt, restored), abs=1e-9)


def test_psnr_y_equals_scikit_image_on_the_same_y():
    restored, gt = noisy_pair()
    outside = peak_signal_noise_ratio(
        luma_levels(gt, BT601), luma_levels(restored, BT601), data_range=255
    )
    assert psnr_y(restored, gt) == pytest.approx(outside, abs=1e-9)


def test_one_level_everywhere_is_48_13_db():
    gt = np.full((4, 5, 3), 10, np.uint8)
    assert psnr(gt + np.uint8(1), gt) == pytest.approx(20 * math.log10(255))


def test_black_against_white_is_zero_db():
    assert psnr(np.zeros((3, 3, 3), np.uint8), np.full((3, 3, 3), 255, np.uint8)) == 0


@pytest.mark.parametrize("size", [(1, 1, 3), (61, 67, 3), (1024, 1024, 3)])
def test_the_sum_of_squares_is_exact(size):
    rng = np.random.default_rng(size[0])
    restored, gt = (rng.integers(0, 256, size, dtype=np.uint8) for _ in range(2))
    squares = int(np.sum((restored.astype(np.int64) - gt) ** 2))
    assert psnr(restored, gt) == 10 * math.log10(255**2 * gt.size / squares)


def test_identical_images_have_infinite_psnr():
    _, gt = noisy_pair()
    assert psnr(gt, gt.copy()) == math.inf
    assert psnr_y(gt, gt.copy()) == math.inf


def test_psnr_reads_views_that_are_not_contiguous():
    restored, gt = noisy_pair()
    views = psnr(restored[::2, ::-1], gt[::2, ::-1])
    assert views == psnr(restored[::2, ::-1].copy(), gt[::2, ::-1].copy())


def test_a_size_mismatch_names_both_sizes():
    _, gt = noisy_pair()
    with pytest.raises(SizeMismatchError, match="130x97 pixels and its gt 131x97"):
        psnr(gt[:, 1:], gt)


@pytest.mark.parametrize("millionths", [BT601, YIQ])
def test_luma_is_the_rounded_weighted_sum_of_every_colour(millionths):
    rng = np.random.default_rng(3)
    image = rng.integers(0, 256, (64, 64, 3), dtype=np.uint8)
    weighted = image.astype(np.int64) @ np.array(millionths)
    assert np.array_equal(luma_levels(image, millionths), (weighted + 500_000) // 1_000_000)


def test_halves_are_rounded_up():
    half = np.array([[[0, 0, 250], [3, 0, 250]]], np.uint8)  # 28.5 and 29.397
    assert luma_levels(half, BT601).tolist() == [[29, 29]]


@pytest.mark.parametrize("millionths", [BT601, YIQ])
def test_luma_of_grey_is_that_grey(millionths):
    greys = np.repeat(np.arange(256, dtype=np.uint8).reshape(16, 16, 1), 3, axis=2)
    assert np.array_equal(luma_levels(greys, millionths), greys[..., 0])


def test_a_definition_states_the_weights_of_y():
    assert luma_text(BT601) == "Y=round(0.299R+0.587G+0.114B)"
    assert luma_text(YIQ) == "Y=round(0.298936R+0.587043G+0.114021B)"
