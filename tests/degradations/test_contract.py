"""What every degradation promises."""

import itertools

import numpy as np
import pytest

from ggt import plugins
from ggt.degradations import Degradation
from ggt.images import read_image
from ggt.sources.bundled import bundled_folder
from ggt.types import CATEGORIES, Image

NAMES = plugins.names("degradations")
DRAWS_NOTHING = {"defocus", "jpeg"}


@pytest.fixture(scope="module")
def clean() -> Image:
    return read_image(bundled_folder() / "coffee.png").image[60:316, 150:406]


def load(name: str) -> Degradation:
    return plugins.load("degradations", name, Degradation)


def degraded(name: str, image: Image, strength: float, seed: int = 0) -> Image:
    return load(name).apply(image, strength, np.random.default_rng(seed)).image


def squared_error(one: Image, two: Image) -> float:
    return float(np.mean((one.astype(float) - two) ** 2))


def test_the_degradations_are_those_of_the_issue():
    assert set(NAMES) == {
        *("camera", "noise", "defocus", "motion_blur", "scaling", "jpeg"),
        *("lowlight", "haze", "rain", "snow", "old"),
    }


@pytest.mark.parametrize("name", NAMES)
def test_a_degradation_cites_a_source_and_names_its_category(name):
    plugin = load(name)
    assert any(year in plugin.source for year in ("2007", "2008", "2012", "2018", "2019", "202"))
    assert plugin.category in CATEGORIES


def test_every_category_has_a_degradation():
    assert {load(name).category for name in NAMES} == set(CATEGORIES)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("shape", [(65, 97), (1, 1), (1, 40)])
def test_a_degradation_keeps_size_and_type_of_odd_and_of_tiny_pictures(name, shape):
    image = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)
    for strength in (0.0, 1.0):
        result = degraded(name, image, strength)
        assert result.shape == image.shape
        assert result.dtype == np.uint8


@pytest.mark.parametrize("name", NAMES)
def test_a_degradation_leaves_its_input_alone_and_repeats_itself(name, clean):
    kept = clean.copy()
    first = load(name).apply(clean, 0.5, np.random.default_rng(4))
    again = load(name).apply(clean, 0.5, np.random.default_rng(4))
    assert np.array_equal(clean, kept)
    assert np.array_equal(first.image, again.image)
    assert dict(first.parameters) == dict(again.parameters)
    assert first.parameters
    assert all(np.isfinite(value) for value in first.parameters.values())


@pytest.mark.parametrize("name", NAMES)
def test_another_seed_gives_another_degradation_where_anything_is_drawn(name, clean):
    results = {degraded(name, clean, 0.5, seed).tobytes() for seed in range(6)}
    assert (len(results) == 1) == (name in DRAWS_NOTHING)


@pytest.mark.parametrize("name", NAMES)
def test_more_strength_means_more_error(name, clean):
    errors = [
        np.mean([squared_error(degraded(name, clean, strength, seed), clean) for seed in (1, 2, 3)])
        for strength in (0.0, 0.33, 0.67, 1.0)
    ]
    assert errors[0] > 1.0
    assert all(weaker < stronger for weaker, stronger in itertools.pairwise(errors))
