"""The catalogue says what a build would stumble over before its first paid call, each with its remedy."""

import importlib.util
import sys
from datetime import date
from pathlib import Path

import pytest

from ggt.stages.catalogue import catalogue, days_left, lacks, price_text, retirement
from model_rows import row

TODAY = date(2026, 11, 26)
ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def no_file_of_the_users(tmp_path, monkeypatch):
    monkeypatch.setenv("GGT_MODELS", str(tmp_path / "models.toml"))
    monkeypatch.delenv("GGT_TEST_KEY", raising=False)
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")


def test_a_retired_id_fails_with_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setenv("GGT_TEST_KEY", "k")
    [said] = lacks(row(id="gpt-image-1", retires_on=date(2026, 10, 23)), TODAY)
    assert said == (
        "gpt-image-1 was retired on 2026-10-23: choose another model, "
        f"or put its successor's id into {str(tmp_path / 'models.toml')!r}"
    )


def test_an_id_is_served_until_the_day_on_which_it_retires(monkeypatch):
    monkeypatch.setenv("GGT_TEST_KEY", "k")
    ends = row(retires_on=date(2026, 12, 1))
    assert lacks(ends, date(2026, 11, 30)) == []
    assert len(lacks(ends, date(2026, 12, 1))) == 1


def test_the_days_left_are_counted():
    ends = row(retires_on=date(2026, 12, 1))
    assert (days_left(ends, TODAY), retirement(ends, TODAY)) == (5, "2026-12-01, in 5 days")
    assert retirement(ends, date(2027, 1, 1)) == "retired on 2026-12-01"
    assert (days_left(row(), TODAY), retirement(row(), TODAY)) == (None, "not announced")


def test_a_missing_key_is_told_with_both_ways_to_give_it(monkeypatch):
    [said] = lacks(row(), TODAY)
    assert "export GGT_TEST_KEY=" in said
    assert "keyring set ggt GGT_TEST_KEY" in said
    monkeypatch.setenv("GGT_TEST_KEY", "k")
    assert lacks(row(), TODAY) == []


def test_a_server_without_keys_needs_none():
    assert lacks(row(key_variable=""), TODAY) == []


def test_the_providers_usual_key_is_asked_for_where_the_row_names_none(monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    [said] = lacks(row(key_variable=None), TODAY)
    assert "OPENAI_API_KEY" in said


@pytest.mark.parametrize(
    ("provider", "module", "install"),
    [
        ("openai", "openai", "pip install 'ggt[openai]'"),
        ("gemini", "google.genai", "pip install 'ggt[gemini]'"),
    ],
)
def test_a_missing_extra_is_told_with_its_install_line(monkeypatch, provider, module, install):
    monkeypatch.setenv("GGT_TEST_KEY", "k")
    monkeypatch.setitem(sys.modules, module, None)
    assert lacks(row(provider=provider), TODAY) == [f"{module} is not installed: {install}"]


def test_a_package_inside_one_that_is_missing_is_missing_too(monkeypatch):
    monkeypatch.setenv("GGT_TEST_KEY", "k")
    monkeypatch.delitem(sys.modules, "google.genai", raising=False)
    monkeypatch.setitem(sys.modules, "google", None)
    [said] = lacks(row(provider="gemini"), TODAY)
    assert said.startswith("google.genai is not installed")


def test_missing_weights_are_told_by_their_provider():
    if importlib.util.find_spec("diffusers") is None:
        pytest.skip("diffusers is not installed")
    here = row(provider="diffusers", id="/nowhere/weights", takes_seed=True, key_variable=None)
    [said] = lacks(here, TODAY)
    assert "/nowhere/weights" in said


def test_an_unknown_provider_is_told_with_the_known_ones():
    [said] = lacks(row(provider="opnai"), TODAY)
    assert said.startswith("no provider is named 'opnai'. Did you mean 'openai'?")


def test_everything_is_told_at_once(monkeypatch):
    monkeypatch.setitem(sys.modules, "openai", None)
    assert len(lacks(row(retires_on=date(2026, 1, 1)), TODAY)) == 3


def test_the_catalogue_lists_every_model_mfms_first():
    entries = catalogue(TODAY)
    kinds = [entry.model.kind for entry in entries]
    assert kinds == ["mfm"] * 9 + ["vlm"] * 4
    assert entries[0].alias == "nano_banana_2"
    server = next(entry for entry in entries if entry.alias == "qwen3_vl")
    assert server.lacks == ()


@pytest.mark.parametrize(
    ("price", "text"),
    [
        ({"per_image_usd": 0.04}, "$0.04 an image"),
        (
            {"input_usd_per_mtok": 2.0, "output_usd_per_mtok": 12.0},
            "$2 in, $12 out a million tokens",
        ),
        ({}, "nothing"),
    ],
)
def test_a_price_is_of_an_image_or_of_a_million_tokens(price, text):
    assert price_text(row(price={"as_of": TODAY, "source": "a test"} | price)) == text


def test_the_generated_table_is_fresh():
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    written = (ROOT / "docs" / "models-table.md").read_text(encoding="utf-8")
    assert written == module.models_page(), "run: make docs"
