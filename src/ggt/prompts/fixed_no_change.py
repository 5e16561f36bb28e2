"""The fixed instruction with a strict demand to change nothing else: the paper's `Fix-NC`, in our words."""

from ggt.answers import Description
from ggt.prompts import PromptStrategy, PromptTask
from ggt.prompts._wording import INSTRUCTIONS, with_corrections
from ggt.types import Prompt

NO_CHANGE = (
    "Change nothing else. Every object, person, face, letter and texture must stay identical, at the same pixel "
    "position, with the same framing, perspective, lighting direction and hues. Do not add, remove, move, redraw, "
    "crop or stylise anything. Where detail cannot be recovered, leave it as it is rather than inventing it."
)


def write(task: PromptTask, _: Description | None = None) -> Prompt:
    """Write the category's instruction, the demand, and what to put right after a rejected attempt."""
    text = with_corrections(f"{INSTRUCTIONS[task.category]} {NO_CHANGE}", task.defects)
    return Prompt(strategy="fixed_no_change", text=text, defects=task.defects)


PLUGIN = PromptStrategy(
    write=write,
    source="GGT-100K, arXiv 2605.31039, prompt strategy Fix-NC; its text is unpublished, this wording is ours",
)
