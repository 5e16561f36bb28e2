import math
import random

import pytest

from ggt.stages.select import LEAST_SHARE, Passing, fidelity, select
from ggt.store.lanes import AttemptRow, LaneRow
from ggt.types import ASPECTS, AspectVerdict, Assessment, Box, JudgedBy


def passing(number, *, levels=(4, 4, 4, 4, 4), change=20.0, likeness=0.9, scores=None, **options):
    """A candidate with a level for each aspect, that changed the lq by so many levels."""
    by_person = options.pop("by_person", False)
    lane = LaneRow(number, 1, "painter", "fixed", number, 0, "passed", None)
    attempt = AttemptRow(1, "call", "{}", f"blob {number}", f"{number}", "{}", "passed", None, "{}")
    measured = {"change": math.log(change), "likeness_1": likeness} if scores is None else scores
    aspects = tuple(
        AspectVerdict(aspect, level, 0.8) for aspect, level in zip(ASPECTS, levels, strict=True)
    )
    assessment = Assessment(
        "accept", None, (), aspects, None, measured, Box(0, 0, 64, 64), **options
    )
    return Passing(lane, attempt, assessment, by_person)


def chosen(*candidates):
    best = select(list(candidates))
    return None if best is None else best.lane.sample


def test_nothing_is_selected_from_nothing():
    assert select([]) is None


def test_a_persons_choice_comes_before_everything():
    assert chosen(passing(0, levels=(5,) * 5), passing(1, levels=(1,) * 5, by_person=True)) == 1


def test_the_worst_aspect_comes_before_the_score():
    faithful = passing(0, levels=(5, 5, 5, 5, 3), change=10.0, likeness=0.99)
    even = passing(1, levels=(4, 4, 4, 4, 4), change=11.0, likeness=0.5)
    assert chosen(faithful, even) == 1


def test_of_equal_levels_the_most_faithful_is_chosen():
    assert chosen(passing(0, change=22), passing(1, change=20), passing(2, change=21)) == 1
    assert chosen(passing(0, likeness=0.7), passing(1, likeness=0.9)) == 1


def test_who_changed_next_to_nothing_is_faithful_and_not_chosen():
    lazy = passing(0, change=5, likeness=1.0)
    assert chosen(lazy, passing(1, change=20, likeness=0.8)) == 1
    assert chosen(lazy, passing(1, change=5 / LEAST_SHARE - 0.01, likeness=0.8)) == 0


def test_one_that_changed_far_too_much_does_not_make_the_others_look_lazy():
    wild = passing(0, change=60)
    assert chosen(wild, passing(1, change=21), passing(2, change=20)) == 2


def test_the_judgement_of_a_vlm_ranks_by_the_same_rule():
    judged = JudgedBy("vlm", "m", ("m-1",), "v", 3, 0, 0.0)
    better = passing(0, levels=(4, 4, 4, None, 4), change=30, judged_by=judged)
    assert chosen(passing(1, levels=(3, 5, 5, 5, 5), judged_by=judged), better) == 0


def test_what_was_not_measured_is_chosen_when_there_is_nothing_else():
    bare = passing(0, scores={}, by_person=True)
    assert fidelity(bare.assessment) == -math.inf
    assert chosen(bare) == 0
    assert chosen(bare, passing(1, by_person=True)) == 1


@pytest.mark.parametrize("seed", range(5))
def test_equals_are_chosen_by_the_order_given_and_others_whatever_the_order(seed):
    assert chosen(passing(0), passing(1)) == 0
    candidates = [passing(number, change=20 + number % 7) for number in range(7)]
    random.Random(seed).shuffle(candidates)
    assert chosen(*candidates) == 0
