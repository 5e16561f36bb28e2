"""NIQE against an independent implementation in float64: other libraries, other order of sums, plain loops."""

import io

import cv2
import numpy as np
import pytest
from scipy import ndimage, special
from scipy.io import loadmat

from ggt.errors import MissingWeightsError, NotMeasurableError
from ggt.images import decode_image, encode_jpeg, read_image
from ggt.metrics._scene_statistics import halve, scene_statistics
from ggt.metrics.niqe import niqe

TOLERANCE = 0.005
ALPHAS = np.arange(0.2, 10.0005, 0.001)
OFFERED = special.gamma(2 / ALPHAS) ** 2 / (special.gamma(1 / ALPHAS) * special.gamma(3 / ALPHAS))


def independent_niqe(image, parameters: bytes) -> float:
    """The paper's steps one after the other; a window of equal values has no contrast."""
    grey = np.floor(image @ np.array([0.298936, 0.587043, 0.114021]) + 0.5 + 1e-9)
    rows, columns = grey.shape[0] // 96, grey.shape[1] // 96
    grey = grey[: rows * 96, : columns * 96]
    features = np.hstack([features_at(grey, 96), features_at(half(grey), 48)])
    published = loadmat(io.BytesIO(parameters))
    whole = features[~np.isnan(features).any(axis=1)]
    offset = published["mu_prisparam"].ravel() - np.nanmean(features, axis=0)
    centred = whole - whole.mean(axis=0)
    spread = published["cov_prisparam"] + centred.T @ centred / (len(whole) - 1)
    return float(np.sqrt(offset @ np.linalg.solve(spread / 2, offset)))


def features_at(plane, side):
    steps = np.arange(-3, 4)
    window = np.exp(-(steps[:, None] ** 2 + steps**2) / (2 * (7 / 6) ** 2))
    window /= window.sum()
    mean = ndimage.correlate(plane, window, mode="nearest")
    square = ndimage.correlate(plane**2, window, mode="nearest")
    contrast = (plane - mean) / (np.sqrt(np.abs(square - mean**2)) + 1)
    highest = ndimage.maximum_filter(plane, 7, mode="nearest")
    contrast[highest == ndimage.minimum_filter(plane, 7, mode="nearest")] = 0
    return np.array(
        [
            block_features(contrast[top : top + side, left : left + side])
            for top in range(0, plane.shape[0], side)
            for left in range(0, plane.shape[1], side)
        ]
    )


def block_features(block):
    alpha, left, right = fitted(block)
    features = [alpha, (left + right) / 2]
    for shift in ((0, 1), (1, 0), (1, 1), (-1, 1)):
        alpha, left, right = fitted(block * np.roll(block, shift, axis=(0, 1)))
        mean = (right - left) * special.gamma(2 / alpha) / special.gamma(1 / alpha)
        features += [alpha, mean, left, right]
    return features


def fitted(values):
    if not (values < 0).any() or not (values > 0).any():
        return np.nan, np.nan, np.nan
    left = np.sqrt(np.mean(values[values < 0] ** 2))
    right = np.sqrt(np.mean(values[values > 0] ** 2))
    skew = left / right
    ratio = np.mean(np.abs(values)) ** 2 / np.mean(values**2)
    wanted = ratio * (skew**3 + 1) * (skew + 1) / (skew**2 + 1) ** 2
    alpha = ALPHAS[np.argmin((OFFERED - wanted) ** 2)]
    scale = np.sqrt(special.gamma(1 / alpha) / special.gamma(3 / alpha))
    return alpha, left * scale, right * scale


def half(plane):
    return bicubic_matrix(plane.shape[0]) @ plane @ bicubic_matrix(plane.shape[1]).T


def bicubic_matrix(length):
    """Rows of weights of antialiased cubic convolution at half size, borders mirrored."""
    matrix = np.zeros((length // 2, length))
    mirrored = np.concatenate([np.arange(length), np.arange(length)[::-1]])
    for target in range(length // 2):
        centre = (target + 0.5) * 2 - 0.5
        taps = np.arange(np.floor(centre) - 5, np.ceil(centre) + 6).astype(int)
        weights = cubic((centre - taps) / 2)
        np.add.at(matrix[target], mirrored[taps % (2 * length)], weights / weights.sum())
    return matrix


def cubic(distance):
    x = np.abs(distance)
    near = 1.5 * x**3 - 2.5 * x**2 + 1
    far = -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2
    return np.where(x <= 1, near, np.where(x < 2, far, 0))


def blurred(image):
    return cv2.GaussianBlur(image, (0, 0), 2)


def noisy(image):
    noise = np.random.default_rng(1).normal(0, 15, image.shape)
    return np.clip(image + noise, 0, 255).astype(np.uint8)


def coded(image):
    return decode_image(encode_jpeg(image, quality=20)).image


def saturated(image):
    return np.clip(image.astype(np.int16) * 2 - 60, 0, 255).astype(np.uint8)


def partly_flat(image):
    flat = image.copy()
    flat[:100, :150] = 255
    return flat


@pytest.fixture
def parameters(published_niqe, published_weights) -> bytes:
    return published_niqe.read_bytes()


PHOTOS = ("kodak_08.png", "camera_22.jpg", "clean_11.png")


@pytest.mark.parametrize("name", PHOTOS)
@pytest.mark.parametrize("change", [None, blurred, noisy, coded, saturated, partly_flat])
def test_niqe_agrees_with_an_independent_implementation(photos, parameters, name, change):
    image = read_image(photos / "clean" / name).image[:210, :300]
    image = image if change is None else change(image)
    outside = independent_niqe(image, parameters)
    assert niqe(image) == pytest.approx(outside, rel=TOLERANCE)


def test_halving_is_antialiased_bicubic_interpolation():
    plane = np.random.default_rng(2).integers(0, 256, (96, 192)).astype(np.float64)
    assert np.allclose(halve(plane), half(plane), rtol=0, atol=1e-10)


def test_halving_keeps_a_flat_plane_exactly_flat():
    assert np.array_equal(halve(np.full((96, 96), 201.0)), np.full((48, 48), 201.0))


def test_adding_noise_to_one_corner_of_a_flat_sky_moves_no_other_block():
    image = np.full((288, 288, 3), 230, np.uint8)
    image[:96, :192] = noisy(image[:96, :192])
    with_more = image.copy()
    with_more[200:, 100:] = 231
    before, after = scene_statistics(image).features, scene_statistics(with_more).features
    assert np.array_equal(before[:2], after[:2])


def test_without_the_published_parameters_the_remedy_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("GGT_WEIGHTS_DIR", str(tmp_path))
    with pytest.raises(MissingWeightsError, match=r"github.com/utlive/niqe.*ggt weights import"):
        niqe(np.zeros((200, 200, 3), np.uint8))


def test_one_block_is_not_enough(parameters):
    image = noisy(np.full((120, 150, 3), 100, np.uint8))
    with pytest.raises(NotMeasurableError, match="150x120: two blocks"):
        niqe(image)


def test_a_flat_block_has_no_sharpness_and_no_features():
    image = np.full((288, 96, 3), 203, np.uint8)
    image[:96] = noisy(image[:96])
    statistics = scene_statistics(image)
    assert statistics.sharpness[2] == 0
    assert np.isnan(statistics.features[2]).all()
    assert np.isfinite(statistics.features[0]).all()
