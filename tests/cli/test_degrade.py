"""`ggt degrade` from the command line."""

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from ggt.cli.degrade import degrade
from ggt.errors import UnknownPluginError


def run(*words: str):
    app = typer.Typer()
    app.command()(degrade)
    return CliRunner().invoke(app, list(words))


def test_the_bundled_photos_are_degraded_and_counted(tmp_path: Path):
    out = tmp_path / "lq"
    result = run("bundled", "--out", str(out), "--kinds", "jpeg", "--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout) == {"out": str(out), "written": 10, "failures": []}
    assert len(list(out.glob("*-jpeg.png"))) == 10


def test_a_folder_with_a_broken_photo_ends_with_1_and_names_it(tmp_path: Path):
    clean = tmp_path / "clean"
    clean.mkdir()
    (clean / "broken.png").write_bytes(b"no picture")
    result = run(str(clean), "--out", str(tmp_path / "lq"), "--kinds", "jpeg")
    assert result.exit_code == 1
    assert "wrote 0 degraded photos" in result.stdout
    assert "broken.png" in result.stdout


def test_a_misspelt_kind_is_the_users_error(tmp_path: Path):
    result = run("bundled", "--out", str(tmp_path / "lq"), "--kinds", "jpg")
    assert isinstance(result.exception, UnknownPluginError)
    with pytest.raises(UnknownPluginError, match="Did you mean 'jpeg'"):
        raise result.exception
