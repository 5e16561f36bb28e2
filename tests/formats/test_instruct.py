"""Instruct, as whoever trains an editor reads it."""

import numpy as np
import pytest

from ggt.stages.lint import find_format
from ggt.stages.release.samples import instruction_for
from ggt.types import CATEGORIES
from synthetic_pairs import BOX, Blobs, make_pair, pair_id, release, scene


@pytest.fixture(scope="module")
def released(tmp_path_factory):
    blobs = Blobs()
    pairs = [make_pair(n, blobs, category=c) for n, c in enumerate(("rain", "haze", "old"))]
    folder = tmp_path_factory.mktemp("instruct")
    return release(pairs, blobs, folder / "out", format_name="instruct")


@pytest.fixture
def rows(released, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    import datasets

    return list(datasets.load_dataset(str(released), split="train", streaming=True))


def test_a_row_has_the_fixed_sentence_of_its_category(rows):
    for row in rows:
        assert row["instruction"] == instruction_for(row["category"])
    assert len({instruction_for(category) for category in CATEGORIES}) == len(CATEGORIES)
    (rain,) = (row for row in rows if row["category"] == "rain")
    assert rain["id"] == pair_id(0)
    window = np.s_[BOX.top : BOX.top + BOX.height, BOX.left : BOX.left + BOX.width]
    np.testing.assert_array_equal(np.asarray(rain["hq"]), scene(0)[window])


def test_no_row_has_the_prompt_that_the_target_was_made_with(rows, released):
    assert all("prompt" not in column for column in rows[0])
    written = b"".join(path.read_bytes() for path in released.glob("data/*"))
    assert b"Remove the noise; keep everything else." not in written


def test_datasets_knows_the_types_of_the_columns(released):
    import datasets

    features = datasets.load_dataset(str(released), streaming=True)["train"].features
    assert features["lq"] == features["hq"] == datasets.Image()
    assert features["instruction"] == datasets.Value("string")
    assert find_format(released) == "instruct"
