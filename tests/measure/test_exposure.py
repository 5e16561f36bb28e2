import numpy as np
import pytest

from ggt.images import thumbnail
from ggt.measure.exposure import SMALL_SIDE, measure_exposure


def test_an_even_colour_measures_as_itself():
    found = measure_exposure(np.full((40, 60, 3), (200, 100, 50), np.uint8))
    assert found.mean_luma == pytest.approx(
        (0.299 * 200 + 0.587 * 100 + 0.114 * 50) / 255, abs=1e-4
    )
    assert found.contrast == 0
    assert found.dark_channel == pytest.approx(50 / 255, abs=1e-4)
    assert found.saturation == pytest.approx(150 / 200, abs=1e-4)


def test_contrast_runs_from_the_5th_to_the_95th_percentile():
    ramp = np.linspace(0, 255, 201).round().astype(np.uint8)
    found = measure_exposure(np.tile(ramp[None, :, None], (50, 1, 3)))
    assert found.contrast == pytest.approx(0.9, abs=0.01)


def test_haze_raises_the_dark_channel_and_darkness_lowers_luma(photos):
    from ggt.images import read_image

    def measure(name: str):
        return measure_exposure(read_image(photos / name).image)

    assert (
        measure("lq/haze/haze_03.jpg").dark_channel
        > 2 * measure("clean/camera_03.jpg").dark_channel
    )
    assert (
        measure("lq/lowlight/lowlight_01.jpg").mean_luma
        < 0.1
        < measure("clean/clean_01.jpg").mean_luma
    )


def test_the_small_copy_measures_as_the_photo(clean):
    for image in clean:
        assert measure_exposure(thumbnail(image, SMALL_SIDE)) == measure_exposure(image)


def test_one_pixel_can_be_measured():
    assert measure_exposure(np.zeros((1, 1, 3), np.uint8)).mean_luma == 0
