"""The example of docs/add-a-prompt.md works."""

from docs_examples import example_plugin
from ggt.prompts import PromptStrategy, PromptTask
from ggt.types import Defect, Measurements

MEASURED = Measurements(1600, 1200, 6.0, 1.5, 0.4, 0.5, 0.1, 0.7, 0.4)


def test_the_example_is_a_strategy_that_answers_defects():
    plugin = example_plugin("add-a-prompt.md")
    assert isinstance(plugin, PromptStrategy)
    moved = (Defect("object_consistency", "object_moved", 0.5, "a lamp"),)
    first, again = PromptTask("rain", MEASURED), PromptTask("rain", MEASURED, moved)
    assert plugin.write(first, None).text == "Restore this photo (rain). Change nothing else."
    assert plugin.write(again, None).text.endswith("Last time: object moved. Avoid it.")
    assert plugin.write(again, None).defects == moved
