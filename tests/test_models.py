"""Models are rows: ours are complete and nobody's name is taken twice; the user's file changes them."""

import re
from datetime import date
from pathlib import Path
from typing import get_args

import pytest

from ggt import plugins
from ggt.errors import UnknownPluginError, UsageError
from ggt.models import (
    Usage,
    cost_usd,
    find_model,
    get_model,
    models,
    user_file,
    worst_case_usd,
)
from model_rows import row

DOCS = Path(__file__).parents[1] / "docs" / "models.md"
RETIRED = {  # developers.openai.com and ai.google.dev, Deprecations, as of 2026-11-26
    "dall-e-2",
    "dall-e-3",
    "gpt-image-1",
    "gemini-3-pro-image-preview",
    "gemini-3.1-flash-image-preview",
    "gemini-3-pro-preview",
}
ENDING = {  # on 2026-12-01
    "gpt-image-1.5",
    "gpt-image-1-mini",
    "chatgpt-image-latest",
}


@pytest.fixture(autouse=True)
def own(tmp_path, monkeypatch):
    """The user's file, which does not exist until a test writes it."""
    path = tmp_path / "models.toml"
    monkeypatch.setenv("GGT_MODELS", str(path))
    return path


def of_kind(kind):
    return {alias: model for alias, model in models().items() if model.kind == kind}


def test_there_are_nine_mfms_three_of_them_open_as_in_the_paper():
    mfms = of_kind("mfm")
    assert len(mfms) == 9
    assert sum(model.open_weights for model in mfms.values()) == 3


def test_the_four_mfms_that_the_paper_names_are_its_choice_and_the_others_ours():
    named = {alias for alias, model in of_kind("mfm").items() if model.choice == "paper"}
    assert named == {"nano_banana_2", "nano_banana_pro", "gpt_image_2", "qwen_image_edit"}


def test_the_papers_judge_is_asked_on_the_only_version_that_serves_it():
    judge = get_model("gemini_3_1_pro", "vlm")
    assert (judge.id, judge.api_version) == ("gemini-3.1-pro-preview", "v1beta")


@pytest.mark.parametrize("alias", models())
def test_an_alias_is_snake_case_and_no_plugins_name(alias):
    assert re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", alias)
    for kind in ("restorers", "vlms", "prompts", "judges"):
        assert alias not in plugins.names(kind)


@pytest.mark.parametrize("alias", models())
def test_every_row_has_a_provider(alias):
    assert models()[alias].provider in plugins.names("providers")


@pytest.mark.parametrize("alias", models())
def test_no_row_has_an_id_that_is_no_longer_served_or_ends_within_days(alias):
    assert models()[alias].id not in RETIRED | ENDING


@pytest.mark.parametrize("alias", models())
def test_what_runs_on_ones_own_machine_is_free_and_nothing_else_is(alias):
    model = models()[alias]
    local = model.provider == "diffusers" or "127.0.0.1" in (model.base_url or "")
    assert (worst_case_usd(model) == 0) == local


@pytest.mark.parametrize("alias", of_kind("mfm"))
def test_a_usual_picture_costs_no_more_than_is_reserved(alias):
    model = models()[alias]
    usage = Usage(
        model.typical_input_tokens, model.typical_output_tokens, model.typical_image_tokens, 1
    )
    assert cost_usd(model, usage, num_images=1) <= worst_case_usd(model)


@pytest.mark.parametrize("alias", of_kind("mfm"))
def test_the_price_of_an_image_is_that_of_its_usual_tokens(alias):
    model = models()[alias]
    if model.price.image_usd_per_mtok:
        picture = model.typical_image_tokens * model.price.image_usd_per_mtok / 1e6
        assert picture == pytest.approx(model.price.per_image_usd, rel=0.001)


def test_openais_ids_are_known_to_its_own_library():
    types = pytest.importorskip("openai.types")
    known = {*get_args(types.ImageModel), *get_args(types.ChatModel)}
    asked = {m.id for m in models().values() if m.provider == "openai" and m.base_url is None}
    assert asked == {"gpt-image-2-2026-04-21", "gpt-6.1-sol"}
    assert asked <= known


def test_a_send_costs_what_its_usage_comes_to():
    model = get_model("nano_banana_2", "mfm")
    usage = Usage(input_tokens=1200, output_tokens=100, image_tokens=1120, num_images=1)
    assert cost_usd(model, usage, num_images=1) == pytest.approx(0.0006 + 0.0003 + 0.0672)


def test_without_usage_a_send_costs_the_tables_price_of_an_image():
    model = get_model("nano_banana_2", "mfm")
    assert cost_usd(model, None, num_images=1) == 0.0672
    assert cost_usd(model, None, num_images=0) == 0


def test_the_worst_case_takes_every_token_at_its_dearest():
    assert worst_case_usd(get_model("nano_banana_2", "mfm")) == pytest.approx(0.123904)
    assert worst_case_usd(get_model("flux_2_pro", "mfm")) == 0.045


def test_the_users_file_replaces_single_fields_and_adds_rows(own):
    own.write_text(
        '[nano_banana_2]\nid = "newer"\n[nano_banana_2.price]\nper_image_usd = 0.05\n'
        '[mine]\nkind = "vlm"\ntitle = "Mine"\nprovider = "openai"\nid = "x"\nopen_weights = true\n'
        'choice = "ours"\nlicence = "MIT"\nwatermark = "none"\n'
        'price = {as_of = 2026-11-26, source = "me"}\n'
        'terms = {as_of = 2026-11-26, source = "me", may_train = "yes", note = "mine"}\n'
    )
    changed = get_model("nano_banana_2", "mfm")
    assert (changed.id, changed.price.per_image_usd) == ("newer", 0.05)
    assert changed.price.image_usd_per_mtok == 60.0
    assert get_model("mine", "vlm").licence == "MIT"
    assert user_file() == own


def test_a_changed_file_is_read_again(own):
    assert find_model("nano_banana_2").id == "gemini-3.1-flash-image"
    own.write_text('[nano_banana_2]\nid = "newer"\n')
    assert find_model("nano_banana_2").id == "newer"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[nano_banana_2]\nidd = "x"\n', ["'nano_banana_2'", "idd", "'x'"]),
        ("[nano_banana_2]\ntimeout_s = -1\n", ["'nano_banana_2'", "timeout_s", "-1"]),
        ("[nano_banana_2.parameters]\nsteps = 3\n", ["'nano_banana_2'", "'steps'", "image_size"]),
        ("nano_banana_2 = [", ["models.toml"]),
    ],
)
def test_a_row_that_cannot_be_used_says_which_key_and_value(own, text, words):
    own.write_text(text)
    with pytest.raises(UsageError) as caught:
        models()
    for word in words:
        assert word in str(caught.value)


def test_an_unknown_name_is_answered_with_the_nearest_and_all():
    with pytest.raises(UnknownPluginError, match=r"Did you mean 'nano_banana_2'.*qwen_image_edit"):
        get_model("nano_banana2", "mfm")
    with pytest.raises(UnknownPluginError, match="no vlm is named 'nano_banana_2'"):
        get_model("nano_banana_2", "vlm")


@pytest.mark.parametrize("block", re.findall(r"```toml\n(.*?)```", DOCS.read_text(), re.DOTALL))
def test_the_rows_of_the_documentation_can_be_used(own, block):
    own.write_text(block)
    [alias] = {line.strip("[]").partition(".")[0] for line in block.splitlines() if line[:1] == "["}
    assert find_model(alias) is not None


def test_a_row_without_an_announced_end_has_none():
    assert row().retires_on is None
    assert row(retires_on=date(2026, 12, 1)).retires_on == date(2026, 12, 1)
