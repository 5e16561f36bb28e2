"""Every prompt strategy keeps its promises, and the fixed ones say what they should."""

import pickle

import pytest

from ggt import plugins
from ggt.prompts import PromptStrategy, _wording, fixed, fixed_no_change
from ggt.types import ASPECTS, CATEGORIES, Category, Defect

STRATEGIES = plugins.names("prompts")


def _defect(kind: str, severity: float) -> Defect:
    return Defect("restoration_quality", kind, severity, "measured so")


@pytest.mark.parametrize("name", STRATEGIES)
@pytest.mark.parametrize("category", CATEGORIES)
def test_every_strategy_cites_a_source_and_writes_the_same_text_twice(
    name: str, category: Category
):
    strategy = plugins.load("prompts", name, PromptStrategy)
    first, second = strategy.write(category, ()), strategy.write(category, ())
    assert first == second
    assert first.strategy == name
    assert first.text.strip() == first.text != ""
    assert strategy.source
    assert pickle.loads(pickle.dumps(strategy)) == strategy


@pytest.mark.parametrize("name", STRATEGIES)
def test_every_strategy_carries_the_defects_and_answers_them(name: str):
    strategy = plugins.load("prompts", name, PromptStrategy)
    defects = (_defect("oversmoothing", 0.8), _defect("hue", 0.3))
    corrective = strategy.write("haze", defects)
    assert corrective.defects == defects
    assert corrective.text != strategy.write("haze", ()).text


def test_categories_have_different_instructions_and_no_change_demands_more():
    assert len({fixed.write(category, ()).text for category in CATEGORIES}) == len(CATEGORIES)
    for category in CATEGORIES:
        plain, strict = fixed.write(category, ()).text, fixed_no_change.write(category, ()).text
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
    text = fixed.write("general", tuple(_defect(*kind) for kind in kinds)).text
    told = [_wording.CORRECTIONS[kind] for kind in ("hue", "scale", "shift")]
    assert text == " ".join([fixed.write("general", ()).text, *told])


def test_a_rejection_for_slight_defects_only_still_changes_the_prompt():
    text = fixed.write("general", (_defect("grid", 0.1), _defect("ringing", 0.2))).text
    assert text.endswith(_wording.CORRECTIONS["ringing"])
    assert _wording.CORRECTIONS["grid"] not in text


@pytest.mark.parametrize("aspect", ASPECTS)
def test_a_defect_of_an_unknown_kind_gets_the_sentence_of_its_aspect(aspect):
    text = fixed.write("rain", (Defect(aspect, "something new", 0.5, ""),)).text
    assert text.endswith(_wording.ASPECT_CORRECTIONS[aspect])


def test_every_fault_that_can_be_planted_has_a_corrective_sentence():
    missing = set(plugins.names("faults")) - set(_wording.CORRECTIONS)
    assert missing == set()
