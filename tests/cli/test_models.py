import json

import pytest
import typer
from typer.testing import CliRunner

from ggt.cli.models import models

KEYS = (
    "GEMINI_API_KEY",
    "OPENAI_API_KEY",
    "BFL_API_KEY",
    "ARK_API_KEY",
    "DASHSCOPE_API_KEY",
)


@pytest.fixture(autouse=True)
def a_machine_without_keys(tmp_path, monkeypatch):
    monkeypatch.setenv("GGT_MODELS", str(tmp_path / "models.toml"))
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
    for key in KEYS:
        monkeypatch.delenv(key, raising=False)


def run(*arguments, **environment):
    app = typer.Typer()
    app.command()(models)
    return CliRunner().invoke(app, arguments, env={"COLUMNS": "80", **environment})


def test_every_model_is_listed_as_json_and_missing_things_end_with_0():
    done = run("--json")
    assert done.exit_code == 0
    rows = {entry["name"]: entry for entry in json.loads(done.stdout)}
    assert len(rows) == 13
    nano = rows["nano_banana_2"]
    assert nano["price"]["per_image_usd"] == 0.0672
    assert nano["price"]["as_of"] == "2026-11-26"
    assert nano["terms"]["may_train"] == "unclear"
    assert (nano["retires_on"], nano["days_left"]) == (None, None)
    assert any("GEMINI_API_KEY" in what for what in nano["lacks"])


def test_a_key_of_the_environment_is_found_and_never_shown():
    done = run("--json", BFL_API_KEY="a-very-secret-key")
    rows = {entry["name"]: entry for entry in json.loads(done.stdout)}
    assert rows["flux_2_pro"]["lacks"] == []
    assert "a-very-secret-key" not in done.stdout


def test_names_stay_whole_on_a_narrow_terminal():
    done = run()
    assert done.exit_code == 0
    assert "…" not in done.stdout
    assert "gemini_3_5_flash_lite" in done.stdout
    assert "training on outputs: no. Reported:" in done.stdout


def test_a_retired_row_of_the_users_is_told(tmp_path):
    (tmp_path / "models.toml").write_text("[seedream_4]\nretires_on = 2026-01-01\n")
    rows = {entry["name"]: entry for entry in json.loads(run("--json").stdout)}
    assert rows["seedream_4"]["days_left"] == 0
    assert rows["seedream_4"]["lacks"][0].startswith("seedream-4-0-250828 was retired on 2026")
    assert "retired on" in run().stdout
