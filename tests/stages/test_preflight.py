"""Preflight: what would stop a build after money was spent is found before the first send."""

from datetime import date

import pytest

from ggt.errors import UnknownPluginError, UsageError
from ggt.settings.flags import FlagSettings
from ggt.settings.lanes import LaneSettings
from ggt.settings.limits import LimitSettings
from ggt.settings.quality import JudgeSettings, QualitySettings
from ggt.settings.recipe import Recipe
from ggt.stages.preflight import check_services

TODAY = date(2026, 11, 26)


@pytest.fixture(autouse=True)
def keys(monkeypatch, tmp_path):
    monkeypatch.setenv("GGT_MODELS", str(tmp_path / "none.toml"))
    for name in ("GEMINI_API_KEY", "OPENAI_API_KEY"):
        monkeypatch.setenv(name, "k" * 20)


def lane(**named):
    return Recipe(lanes=(LaneSettings(**named),))


def judging(**named):
    return Recipe(quality=QualitySettings(judge=JudgeSettings(**named)))


def test_a_recipe_whose_names_can_all_be_asked_passes():
    check_services(Recipe(), TODAY)
    check_services(lane(restorer="nano_banana_2", prompt="adaptive", vlm="gemini_3_1_pro"), TODAY)
    check_services(lane(restorer="classical", prompt="adaptive", vlm="measured"), TODAY)


@pytest.mark.parametrize(
    ("recipe", "error", "told"),
    [
        (lane(restorer="nano_bananna_2"), UnknownPluginError, "Did you mean 'nano_banana_2'"),
        (lane(restorer="gemini_3_1_pro"), UnknownPluginError, "no restorer is named"),
        (lane(prompt="adaptive"), UsageError, "name one with --vlm"),
        (lane(prompt="adaptive", vlm="nano_banana_2"), UnknownPluginError, "no vlm is named"),
        (lane(prompt="fixed", vlm="measured"), UsageError, "asks no vlm"),
        (judging(vlm="measured"), UsageError, "cannot judge"),
        (judging(vlm="gemini_3_1_pro", asking="measured"), Exception, "AskingJudge"),
        (
            Recipe(limits={"nano": LimitSettings(requests_per_minute=5)}),
            UsageError,
            "names no model",
        ),
        (Recipe(flags=FlagSettings(no_upload=("nsfw",))), UsageError, "cannot see 'nsfw'"),
        (
            Recipe(flags=FlagSettings(no_upload=("nsfw",), vlm="gemini_3_1_pro")),
            UsageError,
            "would itself send every photo away",
        ),
    ],
)
def test_what_is_wrong_is_named_with_a_remedy(recipe, error, told):
    with pytest.raises(error, match=told):
        check_services(recipe, TODAY)


def test_a_missing_key_and_a_retired_model_are_told_before_anything_is_sent(monkeypatch, tmp_path):
    monkeypatch.setenv("GEMINI_API_KEY", "")
    with pytest.raises(UsageError, match=r"nothing was sent.*GEMINI_API_KEY"):
        check_services(lane(restorer="nano_banana_2"), TODAY)
    own = tmp_path / "models.toml"
    own.write_text("[gpt_image_2]\nretires_on = 2026-11-26\n")
    monkeypatch.setenv("GGT_MODELS", str(own))
    with pytest.raises(UsageError, match="retired on 2026-11-26"):
        check_services(lane(restorer="gpt_image_2"), TODAY)


def test_an_alias_with_the_name_of_a_file_is_refused(monkeypatch, tmp_path):
    own = tmp_path / "models.toml"
    own.write_text('[classical]\nkind = "mfm"\n')
    monkeypatch.setenv("GGT_MODELS", str(own))
    with pytest.raises(UsageError, match="classical"):
        check_services(Recipe(), TODAY)
