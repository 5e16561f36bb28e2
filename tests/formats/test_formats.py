import hashlib
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PillowImage

from ggt import plugins
from ggt.formats import Format, Plan
from ggt.formats._columns import COLUMNS
from ggt.images import decode_image
from ggt.stages.lint import lint_dataset
from ggt.stages.release.entries import enter, score_names
from ggt.stages.release.samples import make_sample
from synthetic_pairs import BOX, Blobs, make_pair, pair_id, release, scene, spoiled

FORMATS = plugins.names("formats")
NUM_PAIRS = 9


@pytest.fixture(scope="module")
def blobs():
    return Blobs()


@pytest.fixture(scope="module")
def pairs(blobs):
    """Some have a corrected target, nobody's licence page, a stamp; enough for several row groups and shards."""
    return [
        make_pair(
            number,
            blobs,
            category=("general", "rain", "old")[number % 3],
            correction=((0, 0), (4, -3))[number % 2],
            box=BOX if number % 2 == 0 else type(BOX)(8, 8, 64, 64),
            ground_truth=number != 5,
        )
        for number in range(NUM_PAIRS)
    ]


@pytest.fixture(scope="module")
def released(pairs, blobs, tmp_path_factory):
    root = tmp_path_factory.mktemp("releases")
    return {
        name: release(
            pairs, blobs, root / name, format_name=name, num_test=3, pairs_per_row_group=2
        )
        for name in FORMATS
    }


def expected_sides(number):
    """What a stranger must find under a pair's id: the assessed box of both pictures, in place."""
    clean = scene(number)
    box = BOX if number % 2 == 0 else type(BOX)(8, 8, 64, 64)
    window = np.s_[box.top : box.top + box.height, box.left : box.left + box.width]
    return spoiled(clean, number)[window], clean[window]


def assert_rightly_paired(found):
    """`found` maps id to (lq, gt): every pair is there, and its two pictures are its own."""
    found = {identity.partition("-")[0]: sides for identity, sides in found.items()}
    assert sorted(found) == sorted(pair_id(number) for number in range(NUM_PAIRS))
    for number in range(NUM_PAIRS):
        lq, gt = expected_sides(number)
        np.testing.assert_array_equal(np.asarray(found[pair_id(number)][0]), lq)
        np.testing.assert_array_equal(np.asarray(found[pair_id(number)][1]), gt)


def all_bytes(folder: Path):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.mark.parametrize("name", FORMATS)
def test_streaming_with_datasets_gives_both_pictures_of_every_pair(
    name, released, tmp_path, monkeypatch
):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    import datasets

    columns = plugins.load("formats", name, Format).columns
    splits = datasets.load_dataset(str(released[name]), streaming=True)
    assert set(splits) == {"train", "test"}
    rows = [row for split in splits.values() for row in split]
    ids = [row.get("id") or row["json"]["id"] for row in rows]
    assert len(ids) == len(set(ids)) == NUM_PAIRS
    assert len(list(splits["test"])) == 3
    assert_rightly_paired({i: [row[c] for c in columns] for i, row in zip(ids, rows, strict=True)})


def test_datasets_knows_the_types_of_parquet_columns_without_reading_a_row(released):
    import datasets

    features = datasets.load_dataset(str(released["parquet"]), streaming=True)["train"].features
    assert features["lq"] == features["gt"] == datasets.Image()
    assert features["levels"]["geometry_alignment"] == datasets.Value("int32")
    assert set(features["scores"]) == {"psnr@lq", "ssim@lq"}
    assert features["trust_map"] == datasets.List(datasets.List(datasets.Value("float32")))


@pytest.mark.filterwarnings("ignore::DeprecationWarning:webdataset")
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_the_webdataset_package_gives_both_pictures_of_every_pair(released):
    import webdataset

    tars = sorted(str(path) for path in released["webdataset"].glob("data/*.tar"))
    samples = webdataset.WebDataset(tars, shardshuffle=False).decode("rgb8")
    assert_rightly_paired({s["__key__"]: (s["lq.png"], s["gt.png"]) for s in samples})


@pytest.mark.parametrize("name", FORMATS)
def test_a_format_reads_back_what_it_wrote(name, released):
    chosen = plugins.load("formats", name, Format)
    assert chosen.holds(released[name])
    found = list(chosen.read(released[name]))
    assert_rightly_paired(
        {pair.id: [decode_image(side).image for side in (pair.lq, pair.gt)] for pair in found}
    )
    for pair in found:
        assert pair.texts["sha256_lq"] == hashlib.sha256(pair.lq).hexdigest()
        assert pair.texts["licence"] == "CC-BY-4.0"
    assert [pair.split for pair in found].count("test") == 3


@pytest.mark.parametrize("name", FORMATS)
def test_releasing_twice_gives_the_same_bytes(name, pairs, blobs, released, tmp_path):
    again = release(
        pairs[::-1],
        blobs,
        tmp_path / "again",
        format_name=name,
        num_test=3,
        pairs_per_row_group=2,
    )
    assert all_bytes(again) == all_bytes(released[name])


@pytest.mark.parametrize("name", FORMATS)
def test_only_what_is_no_ground_truth_is_stamped_in_its_pictures_and_columns(name, released):
    for pair in plugins.load("formats", name, Format).read(released[name]):
        stamp = "not-ground-truth" if pair.id.startswith(pair_id(5)) else ""
        assert pair.texts["stamp"] == stamp
        assert pair.texts["ground_truth"] == str(not stamp)
        for side in (pair.lq, pair.gt):
            with PillowImage.open(io.BytesIO(side)) as picture:
                assert picture.info.get("ggt", "") == stamp


@pytest.mark.parametrize("name", ["parquet", "webdataset"])
def test_shards_are_closed_when_full_and_count_themselves(name, pairs, blobs, tmp_path):
    chosen = plugins.load("formats", name, Format)
    whole = release(pairs, blobs, tmp_path / "whole", format_name=name)
    (one,) = whole.glob("data/*")
    assert one.stem == "train-00000-of-00001"
    plan = Plan(score_names(list(enter(pairs))), pairs_per_row_group=2, shard_bytes=1)
    chosen.write(tmp_path, "train", [make_sample(pair, blobs.read) for pair in pairs], plan)
    names = sorted(path.stem for path in (tmp_path / "data").iterdir())
    assert names == [f"train-{number:05d}-of-00009" for number in range(NUM_PAIRS)]
    assert [pair.id for pair in chosen.read(tmp_path)] == [pair.id for pair in pairs]


def test_parquet_row_groups_hold_no_more_pairs_than_asked(released):
    import pyarrow.parquet

    (train,) = released["parquet"].glob("data/train-*")
    metadata = pyarrow.parquet.ParquetFile(train).metadata
    assert [metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)] == [2, 2, 2]


def test_folders_have_the_list_of_sizes_that_basicsr_reads(released):
    lines = (released["folders"] / "meta_info_test.txt").read_text().splitlines()
    names = sorted(path.name for path in (released["folders"] / "test" / "lq").iterdir())
    assert [line.split(" ")[0] for line in lines] == names
    assert {line.split(" ")[1] for line in lines} <= {"(72,64,3)", "(64,64,3)"}


@pytest.mark.parametrize("name", FORMATS)
def test_the_card_explains_every_column(name, released, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    import datasets

    chosen = plugins.load("formats", name, Format)
    explained = [column for columns, _ in chosen.meanings for column in columns]
    assert len(explained) == len(set(explained))
    if chosen.media_type.endswith("parquet"):
        features = datasets.load_dataset(str(released[name]), streaming=True)["train"].features
        assert set(explained) == set(features)
    else:
        assert set(explained) == {"lq", "gt", *COLUMNS}
    card = (released[name] / "README.md").read_text()
    assert all(f"`{column}`" in card for column in explained)


@pytest.mark.parametrize("name", FORMATS)
def test_lint_finds_the_format_of_a_release_and_nothing_wrong_with_it(name, released):
    linted = lint_dataset(released[name])
    assert (linted.format_name, linted.num_pairs, linted.findings) == (name, NUM_PAIRS, ())


@pytest.mark.parametrize("name", FORMATS)
def test_no_format_claims_an_empty_folder(name, tmp_path):
    assert not plugins.load("formats", name, Format).holds(tmp_path)
