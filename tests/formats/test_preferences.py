"""Preferences, as whoever trains on them reads them."""

import hashlib
import io
import json
import shutil
from dataclasses import replace

import numpy as np
import pyarrow.parquet
import pytest
from PIL import Image as PillowImage

from ggt import plugins
from ggt.formats import Format
from ggt.stages.lint import find_format
from ggt.types import Box
from synthetic_pairs import (
    BOX,
    Blobs,
    make_loser,
    make_pair,
    pair_id,
    release,
    scene,
    spoiled,
    worse,
)


@pytest.fixture(scope="module")
def blobs():
    return Blobs()


@pytest.fixture(scope="module")
def released(blobs, tmp_path_factory):
    """Pair 1 has two losers, of which one is no ground truth, pair 2 one, pair 3 none; pair 1 is the test pair."""
    simulated = make_loser(
        1, blobs, blob=blobs.add(spoiled(worse(1), 1)), ground_truth=False, restorer="simulated"
    )
    pairs = [
        make_pair(1, blobs, losers=(make_loser(1, blobs), simulated), box=Box(8, 8, 64, 64)),
        make_pair(2, blobs, correction=(4, -3), box=Box(8, 8, 64, 64)),
        make_pair(3, blobs, losers=()),
    ]
    folder = tmp_path_factory.mktemp("preferences")
    return release(pairs, blobs, folder / "out", format_name="preferences", pairs_per_row_group=1)


@pytest.fixture
def rows(released, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    import datasets

    return list(datasets.load_dataset(str(released), split="train", streaming=True))


def test_a_row_holds_three_pictures_cut_alike(rows):
    assert [row["pair"] for row in rows].count(pair_id(1)) == 2
    assert {row["pair"] for row in rows} == {pair_id(1), pair_id(2)}
    (row,) = (row for row in rows if row["pair"] == pair_id(2))
    window = np.s_[8:72, 8:72]
    np.testing.assert_array_equal(np.asarray(row["lq"]), spoiled(scene(2), 2)[window])
    np.testing.assert_array_equal(np.asarray(row["chosen"]), scene(2)[window])
    np.testing.assert_array_equal(np.asarray(row["rejected"]), worse(2)[window])


def test_a_row_says_in_what_the_loser_lost_and_where(rows):
    (row,) = (row for row in rows if row["pair"] == pair_id(2))
    assert row["lost_at"] == "judge"
    assert row["lost_aspects"] == ["colour_consistency"]
    assert row["rejected_levels"]["colour_consistency"] == 1
    assert row["rejected_levels"]["content_reasonableness"] is None
    assert row["chosen_levels"]["restoration_quality"] == 4
    (defect,) = json.loads(row["defects"])
    assert (defect["kind"], defect["severity"]) == ("hue", 0.9)
    assert defect["box"] == {"left": 8, "top": 0, "width": 16, "height": 16}
    assert (row["chosen_restorer"], row["rejected_restorer"]) == ("painter", "dauber")
    assert (row["chosen_model"], row["rejected_model"]) == ("painter-1", "dauber-1")
    assert row["rejected_prompt"] == "Paint it anew."


def test_a_row_is_stamped_where_either_side_is_no_ground_truth(released):
    found = {}
    for path in sorted(released.glob("data/*.parquet")):
        for row in pyarrow.parquet.read_table(path).to_pylist():
            found[row["id"]] = row
    stamped = [row for row in found.values() if row["stamp"]]
    assert [row["rejected_restorer"] for row in stamped] == ["simulated"]
    assert (stamped[0]["chosen_ground_truth"], stamped[0]["ground_truth"]) == (True, False)
    for row in found.values():
        for name in ("lq", "chosen", "rejected"):
            with PillowImage.open(io.BytesIO(row[name]["bytes"])) as picture:
                assert picture.info.get("ggt", "") == row["stamp"]
            assert row[f"sha256_{name}"] == hashlib.sha256(row[name]["bytes"]).hexdigest()


def test_datasets_knows_the_types_of_all_columns_without_reading_a_row(released):
    import datasets

    features = datasets.load_dataset(str(released), streaming=True)["train"].features
    assert features["lq"] == features["chosen"] == features["rejected"] == datasets.Image()
    assert features["lost_aspects"] == datasets.List(datasets.Value("string"))
    assert features["rejected_levels"]["geometry_alignment"] == datasets.Value("int32")


def test_row_groups_hold_no_more_pictures_than_those_of_pairs(blobs, tmp_path):
    pairs = [make_pair(number, blobs) for number in range(8)]
    out = release(pairs, blobs, tmp_path / "out", format_name="preferences", pairs_per_row_group=3)
    (path,) = out.glob("data/*.parquet")
    metadata = pyarrow.parquet.ParquetFile(path).metadata
    groups = [metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)]
    assert groups == [2, 2, 2, 2]


def test_pairs_without_a_loser_are_left_out_and_counted_on_the_card(released):
    card = (released / "README.md").read_text()
    assert pair_id(3) not in (released / "PROVENANCE.jsonl").read_text()
    assert "3 rows: each pair stands beside every candidate" in card
    assert "1 of these candidates are not-ground-truth" in card
    assert '- "not-ground-truth"' in card
    assert "lq, chosen, rejected = row[" in card


def test_every_row_has_its_own_line_of_provenance(released):
    lines = [json.loads(line) for line in (released / "PROVENANCE.jsonl").read_text().splitlines()]
    assert len({line["id"] for line in lines}) == 3
    assert {line["rejected"]["restorer"] for line in lines} == {"dauber", "simulated"}
    assert "png" not in lines[0]["rejected"]


def test_a_damaged_file_is_no_preferences(released, tmp_path):
    shutil.copytree(released, tmp_path / "out")
    for path in (tmp_path / "out" / "data").iterdir():
        path.write_bytes(path.read_bytes()[:100])
    assert find_format(released) == "preferences"
    assert not plugins.load("formats", "preferences", Format).holds(tmp_path / "out")
    assert find_format(tmp_path / "out") == "parquet"


def test_the_test_pair_is_the_same_one_as_in_other_layouts(blobs, tmp_path):
    pairs = [make_pair(n, blobs, losers=None if n % 2 else ()) for n in range(6)]
    split = {}
    for name in ("preferences", "folders"):
        out = release(pairs, blobs, tmp_path / name, format_name=name, num_test=3)
        found = plugins.load("formats", name, Format).read(out)
        split[name] = {(pair.id.partition("-")[0], pair.split) for pair in found}
    assert len(split["preferences"]) == 3
    assert split["preferences"] < split["folders"]


def test_a_corrected_shift_of_the_loser_narrows_all_three_pictures(blobs, tmp_path):
    moved = np.roll(worse(4), -13, axis=1)
    loser = make_loser(4, blobs, blob=blobs.add(moved), box=Box(13, 0, 64, 80), correction=(-13, 0))
    pair = replace(make_pair(4, blobs, box=BOX), losers=(loser,))
    out = release([pair], blobs, tmp_path / "out", format_name="preferences")
    (path,) = out.glob("data/*.parquet")
    (row,) = pyarrow.parquet.read_table(path).to_pylist()
    assert (row["width"], row["height"]) == (56, 72)
    whole = {"lq": spoiled(scene(4), 4), "chosen": scene(4), "rejected": worse(4)}
    for name, image in whole.items():
        with PillowImage.open(io.BytesIO(row[name]["bytes"])) as picture:
            np.testing.assert_array_equal(np.asarray(picture), image[0:72, 13:69])
