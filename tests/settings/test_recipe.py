"""Recipes: what is left out has a default, what is misspelt is named."""

import pytest

from ggt.errors import RecipeError
from ggt.settings.recipe import Recipe, changed_tables, load_recipe


def write(tmp_path, text):
    path = tmp_path / "recipe.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_an_empty_recipe_is_the_default(tmp_path):
    assert load_recipe(write(tmp_path, "")) == Recipe()


def test_the_classical_engine_faces_a_stricter_judge_unless_the_recipe_says_otherwise(tmp_path):
    quality = load_recipe(write(tmp_path, "[quality.judge]\nstrictness = 2\n")).quality
    assert quality.for_restorer("classical").judge.strictness == 3.0
    assert quality.for_restorer("simulated") == quality
    text = "[quality.judge.stricter]\nsimulated = 2\n"
    quality = load_recipe(write(tmp_path, text)).quality
    assert quality.for_restorer("classical").judge.strictness == 1.0
    assert quality.for_restorer("simulated").judge.strictness == 2.0


def test_lanes_are_restorers_times_samples(tmp_path):
    text = '[[lanes]]\nrestorer = "a"\nsamples = 2\n[[lanes]]\nrestorer = "b"\nprompt = "p"\n'
    recipe = load_recipe(write(tmp_path, text))
    assert recipe.lane_names() == [("a", "fixed", 0), ("a", "fixed", 1), ("b", "p", 0)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[restor]\n", "restor is no key of a recipe, did you mean 'restore'"),
        ("[restore]\nmax_attemps = 2\n", "restore.max_attemps .*did you mean 'max_attempts'"),
        ('[[lanes]]\nrestorr = "x"\n', "lanes.0.restorr .*did you mean 'restorer'"),
        (
            "[quality.align]\nmax_shift = 1\n",
            "quality.align.max_shift .*did you mean 'max_shift_px'",
        ),
        ("[restore]\nmax_attempts = 0\n", "restore.max_attempts = 0: .*greater than or equal to 1"),
        ('[budget]\nin_doubt = "forget"\n', "budget.in_doubt = 'forget'"),
        ("[restore\n", "is not TOML"),
    ],
)
def test_a_bad_recipe_is_told_by_key_value_and_remedy(tmp_path, text, message):
    with pytest.raises(RecipeError, match=message):
        load_recipe(write(tmp_path, text))


def test_a_recipe_that_is_not_there_is_told(tmp_path):
    with pytest.raises(RecipeError, match="cannot read the recipe"):
        load_recipe(tmp_path / "none.toml")


def test_a_stored_recipe_is_the_recipe_again():
    recipe = Recipe()
    assert Recipe.model_validate_json(recipe.model_dump_json()) == recipe


def test_changed_tables_are_named():
    old = Recipe()
    new = old.model_copy(update={"restore": old.restore.model_copy(update={"seed": 5})})
    assert changed_tables(old, new) == ["restore"]
    assert changed_tables(old, old) == []


def test_a_misspelt_key_of_a_table_that_users_name_is_answered_with_the_nearest(tmp_path):
    path = tmp_path / "recipe.toml"
    path.write_text("[limits.nano_banana_2]\nrequest_per_minute = 5\n")
    with pytest.raises(RecipeError, match="did you mean 'requests_per_minute'"):
        load_recipe(path)
