"""The example of docs/add-a-judge.md works."""

import numpy as np

from docs_examples import example_plugin
from ggt.judges import AskingJudge, JudgeTask
from ggt.types import ASPECTS, Box
from vlm_answers import aspect, judgement


def test_the_example_is_a_judge_that_believes_the_worst():
    plugin = example_plugin("add-a-judge.md")
    assert isinstance(plugin, AskingJudge)
    picture = np.zeros((8, 8, 3), np.uint8)
    first, second, question = plugin.content(JudgeTask(picture, picture, "rain"))
    assert first is second is picture
    assert "restored" in question
    votes = [judgement(), judgement(geometry_alignment=aspect(2)), judgement()]
    aspects = plugin.opinion(votes, Box(0, 0, 8, 8), 3).aspects
    assert tuple(one.aspect for one in aspects) == ASPECTS
    assert [one.level for one in aspects] == [4, 4, 2, 4, 4]
    blind = judgement(colour_consistency=aspect(0))
    assert plugin.opinion([blind], Box(0, 0, 8, 8), 3).aspects[4].level is None
