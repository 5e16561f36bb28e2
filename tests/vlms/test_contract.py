"""Every vlm that runs here keeps its promises, at any size."""

import pickle

import numpy as np
import pytest

from ggt import plugins
from ggt.answers import FLAGS, Description, read_answer
from ggt.measure.photo import measure_photo
from ggt.types import CATEGORIES, Category
from ggt.vlms import LocalVlm, Sight

VLMS = plugins.names("vlms")


def sight(image: np.ndarray, category: Category = "general", defects=()) -> Sight:
    return Sight(image, category, measure_photo(image), defects)


@pytest.mark.parametrize("name", VLMS)
def test_a_vlm_cites_a_source_names_its_model_and_can_be_sent_to_workers(name: str):
    vlm = plugins.load("vlms", name, LocalVlm)
    assert vlm.source
    assert vlm.model
    assert pickle.loads(pickle.dumps(vlm)) == vlm


@pytest.mark.parametrize("name", VLMS)
@pytest.mark.parametrize("category", CATEGORIES)
@pytest.mark.parametrize("shape", [(1, 1), (7, 300), (257, 131)])
def test_a_vlm_describes_pictures_of_any_size_twice_alike(name: str, category: Category, shape):
    image = np.random.default_rng(3).integers(0, 256, (*shape, 3), dtype=np.uint8)
    vlm = plugins.load("vlms", name, LocalVlm)
    described = vlm.describe(sight(image, category))
    assert vlm.describe(sight(image, category)) == described
    assert read_answer(Description, described.model_dump_json()) == described
    assert {flag for flag in FLAGS if described.shows(flag)} <= vlm.sees


@pytest.mark.parametrize("name", VLMS)
def test_a_vlm_leaves_the_picture_alone(name: str):
    image = np.random.default_rng(4).integers(0, 256, (96, 96, 3), dtype=np.uint8)
    before = image.copy()
    plugins.load("vlms", name, LocalVlm).describe(sight(image))
    assert np.array_equal(image, before)
