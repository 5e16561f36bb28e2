import numpy as np
import pytest
from skimage.metrics import structural_similarity

from ggt.errors import NotMeasurableError
from ggt.metrics._planes import BT601, luma_levels
from ggt.metrics.ssim import ssim
from ggt.metrics.ssim_rgb import ssim_rgb


def smooth_pair(height, width, *, seed=5, noise=12.0):
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:height, :width]
    waves = 128 + 60 * np.sin(rows / 7 + columns / 11) + 40 * np.cos(columns / 3)
    gt = np.clip(np.stack([waves, waves[::-1], waves[:, ::-1]], axis=2), 0, 255)
    restored = np.clip(gt + rng.normal(0, noise, gt.shape), 0, 255)
    return restored.astype(np.uint8), gt.astype(np.uint8)


def y(image):
    return luma_levels(image, BT601)


def reference(restored, gt, channel_axis=None):
    return structural_similarity(
        restored.astype(np.float64),
        gt.astype(np.float64),
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
        data_range=255,
        channel_axis=channel_axis,
    )


@pytest.mark.parametrize(("height", "width"), [(11, 11), (12, 150), (149, 37), (300, 64)])
def test_ssim_equals_scikit_image_on_y_and_rgb(height, width):
    restored, gt = smooth_pair(height, width)
    assert ssim(restored, gt) == pytest.approx(reference(y(restored), y(gt)), abs=1e-9)
    assert ssim_rgb(restored, gt) == pytest.approx(reference(restored, gt, 2), abs=1e-9)


def test_ssim_equals_scikit_image_on_saturated_and_flat_areas():
    restored, gt = smooth_pair(80, 96)
    gt[:40], restored[:40, :48] = 255, 254
    gt[40:60] = 0
    assert ssim(restored, gt) == pytest.approx(reference(y(restored), y(gt)), abs=1e-9)


def test_ssim_equals_scikit_image_on_a_real_photo(photos):
    import cv2

    gt = cv2.imread(str(photos / "clean" / "kodak_05.png"))[:320, :320, ::-1]
    restored = cv2.GaussianBlur(gt, (0, 0), 1.5)
    assert ssim(restored, gt) == pytest.approx(reference(y(restored), y(gt)), abs=1e-9)
    assert ssim_rgb(restored, gt) == pytest.approx(reference(restored, gt, 2), abs=1e-9)


def test_identical_images_have_ssim_of_exactly_one():
    _, gt = smooth_pair(200, 60)
    assert ssim(gt, gt.copy()) == 1.0
    assert ssim_rgb(gt, gt.copy()) == 1.0


def test_inverted_structure_scores_below_zero():
    _, gt = smooth_pair(64, 64)
    assert ssim(255 - gt, gt) < 0


def test_ssim_falls_as_noise_grows():
    scores = [ssim(*smooth_pair(64, 64, noise=sigma)) for sigma in (2, 5, 10, 20, 40)]
    assert scores == sorted(scores, reverse=True)


def test_an_image_below_the_window_is_refused_with_its_size():
    restored, gt = smooth_pair(10, 40)
    with pytest.raises(NotMeasurableError, match=r"at least 11 pixels on each side.* 40x10"):
        ssim(restored, gt)
    with pytest.raises(NotMeasurableError, match="ssim_rgb needs"):
        ssim_rgb(restored, gt)
