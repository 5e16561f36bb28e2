"""What every restorer that runs here promises."""

import pickle

import numpy as np
import pytest

from ggt import plugins
from ggt.measure.photo import measure_photo
from ggt.restorers import LocalRestorer
from ggt.types import CATEGORIES, Category, Image, Prompt, RestoreTask

NAMES = plugins.names("restorers")


def plant_nothing(
    name: str, *, lq: Image, hq: Image, other: Image, strength: float, seed: int
) -> Image:
    return hq.copy()


def task_for(image: Image, category: Category, *, native: Image | None = None) -> RestoreTask:
    measured = measure_photo(image if native is None else native)
    prompt = Prompt("fixed", "restore")
    truth = image.copy()
    return RestoreTask(
        image, category, measured, prompt, 5, native=native, truth=truth, plant=plant_nothing
    )


@pytest.mark.parametrize("name", NAMES)
def test_a_restorer_cites_a_source_and_names_its_version(name):
    plugin = plugins.load("restorers", name, LocalRestorer)
    assert len(plugin.source) > 20
    assert plugin.model


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("category", CATEGORIES)
def test_the_same_task_gives_the_same_pixels_and_the_task_stays_as_it_was(name, category, coffee):
    restore = pickle.loads(pickle.dumps(plugins.load("restorers", name, LocalRestorer))).restore
    image = coffee[:128, :128].copy()
    task = task_for(image, category)
    first, second = restore(task), restore(task)
    assert np.array_equal(first.image, second.image)
    assert first.notes == second.notes
    assert np.array_equal(task.lq, coffee[:128, :128])
    assert np.array_equal(task.truth, coffee[:128, :128])
    assert first.image is not task.lq
    assert first.image is not task.truth


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("category", CATEGORIES)
@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (3, 2), (33, 17), (65, 97)])
def test_odd_and_tiny_pictures_keep_their_size(name, category, shape):
    image = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)
    restored = plugins.load("restorers", name, LocalRestorer).restore(task_for(image, category))
    assert restored.image.shape == image.shape
    assert restored.image.dtype == np.uint8


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("level", [0, 128, 255])
def test_a_picture_of_one_grey_is_answered(name, level):
    image = np.full((48, 48, 3), level, np.uint8)
    for category in CATEGORIES:
        restored = plugins.load("restorers", name, LocalRestorer).restore(task_for(image, category))
        assert int(np.ptp(restored.image)) <= 1


@pytest.mark.parametrize("name", NAMES)
def test_the_output_lies_on_the_grid_of_the_lq_when_the_native_picture_is_smaller(name, coffee):
    native = coffee[:100, :100]
    task = task_for(coffee, "general", native=native)
    restored = plugins.load("restorers", name, LocalRestorer).restore(task)
    assert restored.image.shape == coffee.shape


def test_local_restorers_of_ggt_never_claim_ground_truth():
    for name in NAMES:
        assert not plugins.load("restorers", name, LocalRestorer).ground_truth
