import numpy as np
import pytest

from ggt.images import read_image, resize
from ggt.sources.bundled import bundled_folder
from ggt.stages.disagreement import disagreement, lowered
from ggt.stages.restore import plant_fault
from ggt.types import TRUST_CELLS

SIDE = 256
BELIEVED = tuple((1.0,) * TRUST_CELLS for _ in range(TRUST_CELLS))


@pytest.fixture(scope="module")
def target():
    image = read_image(bundled_folder() / "astronaut.png").image
    return resize(image, SIDE, SIDE)


def with_patch(image):
    """Something else in the cells of rows 4 to 7, columns 8 to 11."""
    changed = image.copy()
    rng = np.random.default_rng(0)
    blocks = rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)
    changed[64:128, 128:192] = np.kron(blocks, np.ones((8, 8, 1), np.uint8))
    return changed


def test_equal_pictures_do_not_disagree(target):
    assert not np.any(disagreement(target, [target, target]))


def test_without_rivals_nobody_disagrees(target):
    assert disagreement(target, []) == tuple((0.0,) * TRUST_CELLS for _ in range(TRUST_CELLS))


def test_noise_and_another_tone_are_excused(target):
    noise = np.random.default_rng(1).normal(0, 4, target.shape)
    noisy = np.clip(target + noise, 0, 255).astype(np.uint8)
    toned = np.rint(255 * (target / 255) ** 0.85).astype(np.uint8)
    warm = np.clip(target * [1.06, 1.0, 0.94], 0, 255).astype(np.uint8)
    hazy = np.rint(0.5 * target + 90).astype(np.uint8)
    for rival in (noisy, toned, warm, hazy):
        assert np.max(disagreement(target, [rival])) < 0.2


def test_what_only_one_of_two_shows_lowers_trust_there_and_nowhere_else(target):
    trust = np.array(lowered(BELIEVED, disagreement(target, [with_patch(target)])))
    assert trust[4:8, 8:12].max() < 0.3
    elsewhere = np.ones_like(trust, bool)
    elsewhere[3:9, 7:13] = False
    assert trust[elsewhere].min() > 0.99


def test_a_planted_object_is_where_trust_falls(target):
    spoiled = plant_fault(
        "object_added", lq=target, hq=target, other=target[::-1].copy(), strength=1.0, seed=3
    )
    changed = np.abs(spoiled.astype(int) - target).max(axis=2)
    cells = changed.reshape(TRUST_CELLS, 16, TRUST_CELLS, 16).mean(axis=(1, 3))
    trust = np.array(lowered(BELIEVED, disagreement(target, [spoiled])))
    assert np.median(trust[cells > 20]) < 0.2
    assert np.median(trust[cells == 0]) == 1.0


def test_one_of_three_rivals_that_went_astray_lowers_nothing(target):
    assert not np.any(disagreement(target, [target, with_patch(target), target]))
    alone = disagreement(with_patch(target), [target, target, target])
    assert np.min(np.array(alone)[4:8, 8:12]) > 0.5


def test_trust_is_never_raised():
    rng = np.random.default_rng(2)
    before = tuple(tuple(row) for row in rng.random((TRUST_CELLS, TRUST_CELLS)).round(3).tolist())
    apart = tuple(tuple(row) for row in rng.random((TRUST_CELLS, TRUST_CELLS)).tolist())
    after = np.array(lowered(before, apart))
    assert np.all(after <= np.array(before))
    assert np.all(after >= 0)
    assert lowered(before, tuple((0.0,) * TRUST_CELLS for _ in range(TRUST_CELLS))) == before


def test_small_and_odd_sizes_are_measured_too():
    rng = np.random.default_rng(0)
    for shape in ((8, 8, 3), (24, 72, 3), (8, 200, 3)):
        image = rng.integers(0, 256, shape, dtype=np.uint8)
        cells = np.array(disagreement(image, [image[::-1].copy()]))
        assert cells.shape == (TRUST_CELLS, TRUST_CELLS)
        assert np.all(np.isfinite(cells))


def test_a_flat_picture_has_nothing_to_disagree_about():
    flat = np.full((64, 64, 3), 90, np.uint8)
    assert not np.any(disagreement(flat, [np.full((64, 64, 3), 130, np.uint8)]))
