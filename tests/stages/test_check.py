"""Folders of pairs are matched by stem; what cannot be judged is listed by name."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from ggt.cli.main import make_app
from ggt.errors import UsageError
from ggt.images import encode_png, read_image, resize
from ggt.sources.bundled import bundled_folder
from ggt.stages.check import find_pairs


@pytest.fixture(scope="module")
def pairs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pairs")
    picture = read_image(bundled_folder() / "coffee.png").image[:384, :384]
    files = {
        "lq/same.png": picture,
        "hq/same.png": picture,
        "lq/mirrored.png": picture,
        "hq/mirrored.png": picture[:, ::-1],
        "lq/sizes.png": picture,
        "hq/sizes.png": resize(picture, 320, 320),
        "lq/alone.png": picture,
        "lq/broken.png": picture,
    }
    for name, image in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(encode_png(np.ascontiguousarray(image)))
    (folder / "hq" / "broken.png").write_bytes(b"no picture")
    return folder


def test_check_prints_one_line_a_pair_and_lists_failures(pairs):
    run = CliRunner().invoke(make_app(), ["check", str(pairs), "--json", "--processes", "1"])
    lines = {line["id"]: line for line in map(json.loads, run.stdout.splitlines())}
    assert run.exit_code == 1
    assert set(lines) == {"same", "mirrored", "sizes", "alone", "broken"}
    assert lines["same"]["verdict"] == lines["mirrored"]["verdict"] == "reject"
    assert lines["same"]["reasons"][0].startswith("unchanged")
    assert set(lines["same"]) >= {"stage", "aspects", "alignment", "scores"}
    assert "no partner" in lines["alone"]["failure"]
    assert "384x384" in lines["sizes"]["failure"]
    assert "broken.png" in lines["broken"]["failure"]


def test_rejects_are_results_and_end_with_zero(pairs, tmp_path):
    for side in ("lq", "gt"):
        (tmp_path / side).mkdir()
        (tmp_path / side / "one.png").write_bytes((pairs / "lq" / "same.png").read_bytes())
    run = CliRunner().invoke(make_app(), ["check", str(tmp_path), "--processes", "1"])
    assert run.exit_code == 0
    assert "0 of 1 judged pairs accepted" in run.stdout


def test_a_folder_without_sides_is_a_clear_error(tmp_path):
    with pytest.raises(UsageError, match="lq"):
        find_pairs(tmp_path)


def test_two_files_of_one_stem_are_a_failure(tmp_path):
    for name in ("lq/a.png", "lq/a.jpg", "hq/a.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    found, failures = find_pairs(tmp_path)
    assert found == []
    assert "several files" in failures[0].reason
