import io
import json
import tarfile

import numpy as np
import pytest
import typer
from skimage import data
from typer.testing import CliRunner

from ggt.cli.lint import lint
from ggt.errors import UsageError
from ggt.images import encode_png
from ggt.stages.lint import lint_dataset
from synthetic_pairs import Blobs, make_pair, pair_id, release, scene, spoiled

FORMATS = ("parquet", "webdataset", "folders")


@pytest.fixture
def blobs():
    return Blobs()


@pytest.fixture
def folders(blobs, tmp_path):
    """A release in folders of four training pairs and two test pairs, with nothing wrong."""
    pairs = [make_pair(number, blobs) for number in range(6)]
    return release(pairs, blobs, tmp_path / "out", format_name="folders", num_test=2)


def kinds(folder):
    return sorted(finding.kind for finding in lint_dataset(folder).findings)


def third_party(folder, *, names=("lq", "gt"), numbers=range(3)):
    """A paired dataset as others publish it: two folders of files with equal names, and a licence."""
    for name in names:
        (folder / name).mkdir(parents=True)
    for number in numbers:
        clean = scene(number)
        (folder / names[0] / f"{number}.png").write_bytes(encode_png(spoiled(clean, number)))
        (folder / names[1] / f"{number}.png").write_bytes(encode_png(clean))
    (folder / "LICENSE").write_text("CC0-1.0")
    return folder


@pytest.mark.parametrize("name", FORMATS)
def test_a_release_of_ours_is_clean(name, blobs, tmp_path):
    pairs = [make_pair(number, blobs) for number in range(6)]
    out = release(pairs, blobs, tmp_path / "out", format_name=name, num_test=2)
    linted = lint_dataset(out)
    assert (linted.format_name, linted.num_pairs, linted.findings) == (name, 6, ())


@pytest.mark.parametrize("names", [("lq", "gt"), ("LQ", "HQ"), ("input", "target")])
def test_anybodys_folders_are_read_and_the_trap_of_their_layout_is_told(names, tmp_path):
    linted = lint_dataset(third_party(tmp_path, names=names))
    assert (linted.num_pairs, linted.findings) == (3, ())
    assert "loses the pairing" in linted.advice[0]


def test_a_missing_side_is_named(tmp_path):
    third_party(tmp_path)
    (tmp_path / "lq" / "0.png").unlink()
    (tmp_path / "gt" / "2.png").unlink()
    findings = lint_dataset(tmp_path).findings
    assert {(f.kind, f.where) for f in findings} == {("missing_lq", "0"), ("missing_gt", "2")}


def test_sides_that_were_swapped_are_seen_in_the_pictures(tmp_path):
    for name in ("lq", "gt"):
        (tmp_path / name).mkdir()
    for name, photo in (("a", data.astronaut()), ("b", data.chelsea()), ("c", data.coffee())):
        clean = np.ascontiguousarray(photo[40:296, 120:376])
        (tmp_path / "lq" / f"{name}.png").write_bytes(encode_png(clean))
        (tmp_path / "gt" / f"{name}.png").write_bytes(encode_png(spoiled(clean, 1)))
    (tmp_path / "LICENSE").write_text("CC0-1.0")
    assert kinds(tmp_path) == ["swapped"] * 3


def test_sizes_that_differ_broken_and_identical_files_are_told(tmp_path):
    third_party(tmp_path)
    (tmp_path / "gt" / "0.png").write_bytes(encode_png(scene(0, side=88)))
    (tmp_path / "gt" / "1.png").write_bytes((tmp_path / "lq" / "1.png").read_bytes())
    (tmp_path / "lq" / "2.png").write_bytes(encode_png(scene(2))[:-200])
    assert kinds(tmp_path) == ["broken_lq", "identical", "size_mismatch"]


def test_a_near_duplicate_on_both_sides_of_the_split_is_told(tmp_path):
    third_party(tmp_path / "train")
    third_party(tmp_path / "test", numbers=range(10, 13))
    (tmp_path / "LICENSE").write_text("CC0-1.0")
    assert kinds(tmp_path) == []
    brighter = np.clip(scene(1).astype(int) + 6, 0, 255).astype(np.uint8)
    (tmp_path / "test/gt/11.png").write_bytes(encode_png(brighter))
    (finding,) = lint_dataset(tmp_path).findings
    assert finding.kind == "near_duplicate"
    assert "train/1" in finding.where + finding.detail
    assert "test/11" in finding.where + finding.detail


def test_a_scene_on_both_sides_of_the_split_is_told(folders):
    metadata = folders / "test" / "metadata.jsonl"
    group = json.loads((folders / "train/metadata.jsonl").read_text().splitlines()[0])["group"]
    lines = [json.loads(line) | {"group": group} for line in metadata.read_text().splitlines()]
    metadata.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert "group_on_both_sides" in kinds(folders)


def test_a_dataset_without_any_licence_is_told(tmp_path):
    third_party(tmp_path)
    (tmp_path / "LICENSE").unlink()
    (finding,) = lint_dataset(tmp_path).findings
    assert (finding.kind, finding.detail) == (
        "missing_licence",
        "3 of 3 pairs state no licence, nor does the card",
    )
    (tmp_path / "README.md").write_text("---\nlicense: mit\n---\n# Pairs\n")
    assert kinds(tmp_path) == []


def test_a_changed_lost_or_added_file_is_told_by_the_checksums(folders):
    name = f"{pair_id(3)}.png"
    (gt,) = folders.glob(f"*/gt/{name}")
    gt.write_bytes(encode_png(scene(3)[:72, 8:72] // 2 + 60))
    (folders / "meta_info_test.txt").unlink()
    (folders / "extra.txt").write_text("?")
    found = {(f.kind, f.where) for f in lint_dataset(folders).findings}
    assert ("checksum", gt.relative_to(folders).as_posix()) in found
    assert ("checksum", "meta_info_test.txt") in found
    assert ("unlisted_file", "extra.txt") in found


def test_two_pairs_of_one_id_are_told(folders):
    metadata = folders / "test" / "metadata.jsonl"
    metadata.write_text(metadata.read_text() * 2)
    assert kinds(folders) == ["checksum", "duplicate_id", "duplicate_id"]


def test_tar_files_whose_pairs_loaders_would_tear_apart_are_told(tmp_path):
    """Members called lq/ID.png and gt/ID.png load as unrelated single pictures."""
    with tarfile.open(tmp_path / "train.tar", "w") as tar:
        for side in ("lq", "gt"):
            member = tarfile.TarInfo(f"{side}/1.png")
            content = encode_png(scene(1))
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    (tmp_path / "LICENSE").write_text("CC0-1.0")
    assert kinds(tmp_path) == ["duplicate_id", "row_without_images", "row_without_images"]


@pytest.mark.parametrize("name", ["parquet", "webdataset"])
def test_a_truncated_shard_is_told_and_the_others_are_read(name, blobs, tmp_path):
    pairs = [make_pair(number, blobs) for number in range(6)]
    out = release(pairs, blobs, tmp_path / "out", format_name=name, num_test=2)
    (train,) = out.glob("data/train-*")
    train.write_bytes(train.read_bytes()[: train.stat().st_size // 2])
    linted = lint_dataset(out)
    assert linted.num_pairs >= 3  # two test pairs and the damaged shard
    assert {"checksum", "row_without_images"} <= {f.kind for f in linted.findings}


def test_a_list_cannot_point_outside_the_dataset(tmp_path):
    third_party(tmp_path / "data")
    (tmp_path / "secret.png").write_bytes(encode_png(scene(9)))
    line = {"lq_file_name": "lq/0.png", "gt_file_name": "../secret.png", "licence": "CC0-1.0"}
    (tmp_path / "data" / "metadata.jsonl").write_text(json.dumps(line))
    assert "missing_gt" in kinds(tmp_path / "data")


def test_a_folder_without_pairs_is_a_usage_error_that_says_what_was_looked_for(tmp_path):
    (tmp_path / "1.png").write_bytes(encode_png(scene(1)))
    with pytest.raises(UsageError, match="no pairs that ggt finds"):
        lint_dataset(tmp_path)
    with pytest.raises(UsageError, match="not a folder"):
        lint_dataset(tmp_path / "absent")


def test_the_command_prints_json_and_ends_with_1_when_something_is_wrong(folders):
    app = typer.Typer()
    app.command()(lint)
    run = CliRunner().invoke(app, [str(folders), "--json"])
    assert run.exit_code == 0, run.output
    assert json.loads(run.stdout)["num_pairs"] == 6
    (folders / "README.md").write_text("changed")
    run = CliRunner().invoke(app, [str(folders), "--json"])
    assert run.exit_code == 1
    assert json.loads(run.stdout)["counts"] == {"checksum": 1}
