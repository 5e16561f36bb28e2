"""The example of docs/add-a-prompt.md works."""

from docs_examples import example_plugin
from ggt.prompts import PromptStrategy
from ggt.types import Defect


def test_the_example_is_a_strategy_that_answers_defects():
    plugin = example_plugin("add-a-prompt.md")
    assert isinstance(plugin, PromptStrategy)
    moved = (Defect("object_consistency", "object_moved", 0.5, "a lamp"),)
    assert plugin.write("rain", ()).text == "Restore this photo (rain). Change nothing else."
    assert plugin.write("rain", moved).text.endswith("Last time: object moved. Avoid it.")
    assert plugin.write("rain", moved).defects == moved
