import numpy as np
import pytest
from skimage import data

from ggt import plugins
from ggt.degradations import Degradation
from ggt.measure.sides import suspect_swap

CLEAN = np.ascontiguousarray(data.astronaut()[:, 64:448])
TELLING = ("camera", "defocus", "lowlight", "motion_blur", "noise", "old")


def degraded(name, strength=0.5):
    degradation = plugins.load("degradations", name, Degradation)
    return degradation.apply(CLEAN, strength, np.random.default_rng(1)).image


@pytest.mark.parametrize("name", plugins.names("degradations"))
def test_a_right_pair_is_never_suspected(name):
    assert suspect_swap(degraded(name), CLEAN) is None


@pytest.mark.parametrize("name", TELLING)
def test_a_swapped_pair_is_suspected_where_the_degradation_leaves_a_trace(name):
    assert suspect_swap(CLEAN, degraded(name)) is not None


def test_equal_and_single_pixel_pictures_are_no_evidence():
    assert suspect_swap(CLEAN, CLEAN) is None
    pixel = CLEAN[:1, :1]
    assert suspect_swap(pixel, pixel) is None
