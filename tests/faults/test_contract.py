"""What every fault promises."""

import numpy as np
import pytest

from ggt import plugins
from ggt.degradations import Degradation
from ggt.errors import UsageError
from ggt.faults import Fault, GoodPair, Planted
from ggt.images import read_image
from ggt.sources.bundled import bundled_folder
from ggt.types import ASPECTS, Image

NAMES = plugins.names("faults")
ONE_FORM = {"mirror", "wrong_photo", "swapped", "unchanged"}
"""These have no weaker form; their docstrings say so."""
DRAW_NOTHING = ONE_FORM | {"desaturation", "oversmoothing", "blocking", "residual_degradation"}
NEED_ROOM = {"object_removed", "object_added", "object_moved", "local_warp", "redrawn_texture"}


@pytest.fixture(scope="module")
def pair() -> GoodPair:
    hq = read_image(bundled_folder() / "coffee.png").image[60:316, 150:406]
    other = read_image(bundled_folder() / "chelsea.png").image[20:276, 80:336]
    camera = plugins.load("degradations", "camera", Degradation)
    lq = camera.apply(hq, 0.5, np.random.default_rng(0)).image
    return GoodPair(lq=lq, hq=hq, other=other)


def load(name: str) -> Fault:
    return plugins.load("faults", name, Fault)


def plant(name: str, pair: GoodPair, strength: float, seed: int = 0) -> Planted:
    return load(name).plant(pair, strength, np.random.default_rng(seed))


def change(pair: GoodPair, planted: Planted) -> float:
    both = [(pair.lq, planted.lq), (pair.hq, planted.hq)]
    return float(sum(np.mean((one.astype(float) - two) ** 2) for one, two in both))


def random_pair(shape: tuple[int, int]) -> GoodPair:
    def image(seed: int) -> Image:
        return np.random.default_rng(seed).integers(0, 256, (*shape, 3), dtype=np.uint8)

    return GoodPair(lq=image(0), hq=image(1), other=image(2))


def test_the_faults_are_those_of_the_issue():
    assert set(NAMES) == {
        *(
            "shift",
            "scale",
            "rotation",
            "perspective",
            "local_warp",
            "mirror",
            "wrong_photo",
            "swapped",
        ),
        *("hue", "cast", "desaturation", "object_removed", "object_added", "object_moved"),
        *("redrawn_texture", "oversmoothing", "ringing", "blocking", "grid"),
        *("residual_degradation", "half_restored", "unchanged", "letterbox"),
    }


@pytest.mark.parametrize("name", NAMES)
def test_a_fault_cites_a_source_and_names_its_aspects_and_strengths(name):
    fault = load(name)
    assert fault.source
    assert fault.aspects
    assert set(fault.aspects) <= set(ASPECTS)
    assert len(set(fault.aspects)) == len(fault.aspects)
    assert 0 <= fault.subtle <= fault.gross <= 1
    assert (fault.subtle == fault.gross) == (name in ONE_FORM)


def test_every_aspect_has_a_fault():
    assert {aspect for name in NAMES for aspect in load(name).aspects} == set(ASPECTS)


@pytest.mark.parametrize("name", NAMES)
def test_a_fault_keeps_the_size_of_odd_pictures(name):
    pair = random_pair((65, 97))
    for strength in (0.0, 1.0):
        planted = plant(name, pair, strength)
        assert planted.lq.shape == planted.hq.shape == pair.hq.shape
        assert planted.lq.dtype == planted.hq.dtype == np.uint8


@pytest.mark.parametrize("name", NAMES)
def test_a_single_pixel_is_spoiled_or_refused_with_its_size(name):
    pair = random_pair((1, 1))
    if name in NEED_ROOM:
        with pytest.raises(UsageError, match=f"{name} needs .* not 1x1"):
            plant(name, pair, 1.0)
    else:
        assert plant(name, pair, 1.0).hq.shape == (1, 1, 3)


@pytest.mark.parametrize("name", NAMES)
def test_a_fault_leaves_its_pair_alone_and_repeats_itself(name, pair):
    kept = [side.copy() for side in (pair.lq, pair.hq, pair.other)]
    first, again = plant(name, pair, 0.5, seed=4), plant(name, pair, 0.5, seed=4)
    assert all(
        np.array_equal(*both) for both in zip(kept, (pair.lq, pair.hq, pair.other), strict=True)
    )
    assert np.array_equal(first.hq, again.hq)
    assert (first.box, first.decidable) == (again.box, again.decidable)
    assert dict(first.parameters) == dict(again.parameters)


@pytest.mark.parametrize("name", NAMES)
def test_another_seed_gives_another_fault_where_anything_is_drawn(name, pair):
    results = {plant(name, pair, 0.5, seed).hq.tobytes() for seed in range(6)}
    assert (len(results) == 1) == (name in DRAW_NOTHING)


@pytest.mark.parametrize("name", NAMES)
def test_a_fault_changes_the_pair_and_a_gross_one_changes_it_more(name, pair):
    fault = load(name)
    seeds = range(4)
    subtle = np.mean([change(pair, plant(name, pair, fault.subtle, seed)) for seed in seeds])
    gross = np.mean([change(pair, plant(name, pair, fault.gross, seed)) for seed in seeds])
    assert subtle > 0.5
    assert gross > 2.5 * subtle or name in ONE_FORM


@pytest.mark.parametrize("name", NAMES)
def test_a_gross_fault_can_be_decided_on_a_fair_pair(name, pair):
    assert plant(name, pair, load(name).gross).decidable


@pytest.mark.parametrize("name", NAMES)
def test_a_fault_stays_within_its_box(name, pair):
    for seed in range(4):
        planted = plant(name, pair, 1.0, seed)
        if planted.box is None:
            continue
        box = planted.box
        outside = np.ones(pair.hq.shape[:2], bool)
        outside[box.top : box.top + box.height, box.left : box.left + box.width] = False
        assert box.left >= 0 <= box.top
        assert box.left + box.width <= pair.hq.shape[1]
        assert box.top + box.height <= pair.hq.shape[0]
        assert np.array_equal(planted.hq[outside], pair.hq[outside])


def test_faults_of_a_place_have_a_box(pair):
    with_box = {name for name in NAMES if plant(name, pair, 1.0).box is not None}
    assert with_box == {
        "object_removed",
        "object_added",
        "object_moved",
        "local_warp",
        "half_restored",
    }
