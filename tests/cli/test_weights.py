import json

import pytest
from typer.testing import CliRunner

from ggt.cli.weights import app
from ggt.errors import UsageError


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("GGT_WEIGHTS_DIR", str(tmp_path / "weights"))


def run(*arguments):
    return CliRunner().invoke(app, arguments)


def test_list_says_what_is_missing_and_then_imported(published_niqe):
    [niqe] = json.loads(run("list", "--json").stdout)
    assert niqe["state"] == "missing"
    imported = json.loads(run("import", str(published_niqe), "--json").stdout)
    assert imported["name"] == "niqe"
    [niqe] = json.loads(run("list", "--json").stdout)
    assert niqe["state"] == "imported"
    assert niqe["path"] == imported["path"]


def test_people_get_a_table_and_the_licence(published_niqe):
    listed = run("list")
    assert listed.exit_code == 0
    assert "niqe" in listed.stdout
    imported = run("import", str(published_niqe))
    assert "Licence: University of Texas at Austin" in imported.stdout


def test_a_wrong_file_is_a_usage_error(tmp_path):
    file = tmp_path / "wrong"
    file.write_bytes(b"")
    result = run("import", str(file))
    assert isinstance(result.exception, UsageError)
