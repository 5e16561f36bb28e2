"""One fixed English instruction per category, with a short fidelity clause: the paper's `Fix`, in our words."""

from ggt.answers import Description
from ggt.prompts import PromptStrategy, PromptTask
from ggt.prompts._wording import INSTRUCTIONS, with_corrections
from ggt.types import Prompt

FIDELITY = "Keep the same scene, framing, objects, text and colours."


def write(task: PromptTask, _: Description | None = None) -> Prompt:
    """Write the category's instruction, and what to put right when an earlier attempt was rejected."""
    text = with_corrections(f"{INSTRUCTIONS[task.category]} {FIDELITY}", task.defects)
    return Prompt(strategy="fixed", text=text, defects=task.defects)


PLUGIN = PromptStrategy(
    write=write,
    source="GGT-100K, arXiv 2605.31039, prompt strategy Fix; its text is unpublished, this wording is ours",
)
