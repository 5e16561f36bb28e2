from dataclasses import replace

import pytest

from ggt.measure.severity import severity
from ggt.types import CATEGORIES, Measurements

CLEAN = Measurements(
    width=1024,
    height=1024,
    noise_sigma=1,
    blur_px=0.7,
    blockiness=0.05,
    mean_luma=0.45,
    dark_channel=0.15,
    contrast=0.65,
    saturation=0.35,
)


@pytest.mark.parametrize("category", CATEGORIES)
def test_a_clean_photo_has_no_severity(category):
    assert severity(CLEAN, category) == 0


@pytest.mark.parametrize(
    ("category", "sign", "values"),
    [
        ("general", "noise_sigma", (1, 8, 20, 60)),
        ("general", "blur_px", (0.5, 2, 4, 9)),
        ("general", "blockiness", (0.1, 0.5, 1.0, 3.0)),
        ("haze", "dark_channel", (0.1, 0.4, 0.6, 1.0)),
        ("lowlight", "mean_luma", (0.5, 0.2, 0.1, 0.0)),
        ("old", "saturation", (0.5, 0.2, 0.1, 0.0)),
        ("rain", "blur_px", (0.5, 2, 4, 9)),
        ("snow", "dark_channel", (0.1, 0.4, 0.6, 1.0)),
    ],
)
def test_a_stronger_sign_is_more_severe_and_never_beyond_one(category, sign, values):
    found = [severity(replace(CLEAN, **{sign: value}), category) for value in values]
    assert found == sorted(found)
    assert found[0] == 0
    assert 0.3 < found[-1] <= 1


def test_two_signs_are_worse_than_one():
    noisy = replace(CLEAN, noise_sigma=10)
    assert severity(replace(noisy, blur_px=3), "general") > severity(noisy, "general")
