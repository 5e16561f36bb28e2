import json

import pytest
import typer
from typer.testing import CliRunner

from ggt.cli.estimate import estimate
from ggt.errors import UsageError


@pytest.fixture
def photos(tmp_path, monkeypatch):
    """A thousand files with photos' names: nothing is opened."""
    monkeypatch.setenv("GGT_MODELS", str(tmp_path / "models.toml"))
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in range(1000):
        (folder / f"{number:04}.jpg").touch()
    (folder / "readme.txt").touch()
    return folder


def run(*arguments):
    app = typer.Typer()
    app.command()(estimate)
    return CliRunner().invoke(app, [str(word) for word in arguments], env={"COLUMNS": "80"})


def read(*arguments):
    done = run(*arguments, "--json")
    assert done.exit_code == 0, done.exception
    return json.loads(done.stdout)


def test_a_restorer_is_counted_and_priced(photos):
    value = read(photos, "--restorer", "nano_banana_2")
    assert (value["num_photos"], value["num_lqs"]) == (1000, 1000)
    one, likely, every = value["cases"]
    assert [case["attempts"] for case in value["cases"]] == [1, 1.39, 3]
    assert one["total"] == {"calls": 1000, "usual_usd": 67.8, "most_usd": 123.904}
    assert likely["total"]["usual_usd"] == pytest.approx(94.242)
    assert every["total"] == {"calls": 3000, "usual_usd": 203.4, "most_usd": 743.424}
    assert value["prices_as_of"] == {"nano_banana_2": "2026-11-26"}


def test_several_restorers_samples_and_attempts(photos):
    value = read(
        photos, "--restorer", "nano_banana_2, classical", "--samples", 2, "--attempts", 1.5
    )
    steps = {step["name"]: step for step in value["cases"][1]["steps"]}
    assert steps["nano_banana_2"]["calls"] == 3000
    assert steps["classical"] == {
        "step": "restore",
        "name": "classical",
        "calls": 3000,
        "usual_usd": 0,
        "most_usd": 0,
    }


def test_a_judge_that_asks_is_counted_with_its_votes(photos):
    words = (photos, "--restorer", "nano_banana_2", "--vlm", "gemini_3_1_pro", "--judge", "vlm")
    value = read(*words, "--prompt", "adaptive", "--votes", 3)
    steps = {step["step"]: step for step in value["cases"][0]["steps"]}
    assert steps["describe"]["usual_usd"] == pytest.approx(7.8)
    assert (steps["judge"]["calls"], steps["judge"]["usual_usd"]) == (3000, pytest.approx(72))
    with pytest.raises(UsageError, match="the judge 'vlm' asks a vlm"):
        raise run(photos, "--judge", "vlm").exception


def test_a_recipe_is_read_and_its_judge_can_be_taken_away(photos, tmp_path):
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(
        '[[lanes]]\nrestorer = "nano_banana_2"\n[quality.judge]\nvlm = "gemini_3_1_pro"\n'
        "[restore]\nmax_attempts = 2\n"
    )
    value = read(photos, "--recipe", recipe)
    assert [case["attempts"] for case in value["cases"]] == [1, 1.3, 2]
    assert [step["step"] for step in value["cases"][0]["steps"]] == ["restore", "judge"]
    value = read(photos, "--recipe", recipe, "--judge", "measured")
    assert [step["step"] for step in value["cases"][0]["steps"]] == ["restore"]


def test_people_get_a_table_and_every_assumption(photos):
    done = run(photos, "--restorer", "nano_banana_2")
    assert done.exit_code == 0
    for text in ("1,000 photos", "$67.80", "at most", "price of", "Every photo is counted"):
        assert text in done.stdout
    assert "…" not in done.stdout


def test_a_folder_without_photos_is_a_usage_error(tmp_path):
    assert isinstance(run(tmp_path).exception, UsageError)
