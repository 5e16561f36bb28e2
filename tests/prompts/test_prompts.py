"""Every prompt strategy keeps its promises, and the fixed ones say what they should."""

import pickle

import pytest

from ggt import plugins
from ggt.answers import Description
from ggt.prompts import PromptStrategy, PromptTask, _wording, fixed, fixed_no_change
from ggt.types import ASPECTS, CATEGORIES, Category, Defect, Measurements
from vlm_answers import description

STRATEGIES = plugins.names("prompts")
MEASURED = Measurements(1600, 1200, 6.25, 1.5, 0.42, 0.5, 0.1, 0.7, 0.4)


def _task(category: Category, *defects: Defect, previous: str = "") -> PromptTask:
    return PromptTask(category, MEASURED, defects, previous)


def _answer(strategy: PromptStrategy) -> Description | None:
    """What a vlm might answer, for strategies that ask one."""
    return None if strategy.question is None else description()


def _fixed(category: Category, *defects: Defect) -> str:
    return fixed.write(_task(category, *defects)).text


def _defect(kind: str, severity: float) -> Defect:
    return Defect("restoration_quality", kind, severity, "measured so")


@pytest.mark.parametrize("name", STRATEGIES)
@pytest.mark.parametrize("category", CATEGORIES)
def test_every_strategy_cites_a_source_and_writes_the_same_text_twice(
    name: str, category: Category
):
    strategy = plugins.load("prompts", name, PromptStrategy)
    answer = _answer(strategy)
    first, second = (strategy.write(_task(category), answer) for _ in range(2))
    assert first == second
    assert first.strategy == name
    assert first.text.strip() == first.text != ""
    assert strategy.source
    assert pickle.loads(pickle.dumps(strategy)) == strategy


@pytest.mark.parametrize("name", STRATEGIES)
def test_every_strategy_carries_the_defects_and_answers_them(name: str):
    strategy = plugins.load("prompts", name, PromptStrategy)
    defects = (_defect("oversmoothing", 0.8), _defect("hue", 0.3))
    first = strategy.write(_task("haze"), _answer(strategy))
    corrective = strategy.write(_task("haze", *defects, previous=first.text), _answer(strategy))
    assert corrective.defects == defects
    assert corrective.text != first.text


@pytest.mark.parametrize("name", STRATEGIES)
def test_a_strategy_that_asks_has_a_version_and_asks_about_the_defects(name: str):
    strategy = plugins.load("prompts", name, PromptStrategy)
    if strategy.question is None:
        assert strategy.version == ""
        return
    assert len(strategy.version) == 64
    first = strategy.question(_task("haze"))
    again = strategy.question(_task("haze", _defect("hue", 0.3), previous="Remove the haze."))
    assert strategy.question(_task("haze")) == first
    assert "Remove the haze." in again
    assert "hue" in again
    assert "$" not in first + again


def test_categories_have_different_instructions_and_no_change_demands_more():
    assert len({_fixed(category) for category in CATEGORIES}) == len(CATEGORIES)
    for category in CATEGORIES:
        plain, strict = _fixed(category), fixed_no_change.write(_task(category)).text
        assert plain.endswith(fixed.FIDELITY)
        assert strict.endswith(fixed_no_change.NO_CHANGE)
        assert len(strict) > len(plain)


def test_a_corrective_prompt_names_at_most_three_grave_defects_gravest_first_and_none_twice():
    kinds = [
        ("grid", 0.3),
        ("hue", 0.9),
        ("ringing", 0.1),
        ("scale", 0.7),
        ("hue", 0.5),
        ("shift", 0.6),
    ]
    text = _fixed("general", *(_defect(*kind) for kind in kinds))
    told = [_wording.CORRECTIONS[kind] for kind in ("hue", "scale", "shift")]
    assert text == " ".join([_fixed("general"), *told])


def test_a_rejection_for_slight_defects_only_still_changes_the_prompt():
    text = _fixed("general", _defect("grid", 0.1), _defect("ringing", 0.2))
    assert text.endswith(_wording.CORRECTIONS["ringing"])
    assert _wording.CORRECTIONS["grid"] not in text


@pytest.mark.parametrize("aspect", ASPECTS)
def test_a_defect_of_an_unknown_kind_gets_the_sentence_of_its_aspect(aspect):
    text = _fixed("rain", Defect(aspect, "something new", 0.5, ""))
    assert text.endswith(_wording.ASPECT_CORRECTIONS[aspect])


def test_every_fault_that_can_be_planted_has_a_corrective_sentence():
    missing = set(plugins.names("faults")) - set(_wording.CORRECTIONS)
    assert missing == set()
