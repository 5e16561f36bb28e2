"""An instruction of its own for each photo, written by a vlm that sees it: the paper's adaptive strategy, in our words.

The vlm is asked for degradations, scene, what must be kept and the instruction, in one answer; what it writes is
checked here before a restorer reads it. After a rejection it is told the instruction and the defects, and asked for a
better one.
"""

import hashlib
import json
import re
from pathlib import Path
from string import Template

from ggt.answers import Description, MustKeep, schema_of
from ggt.errors import GgtError
from ggt.prompts import PromptStrategy, PromptTask
from ggt.prompts._wording import with_corrections
from ggt.types import Box, Defect, Prompt

_TEXTS = Path(__file__).with_name("texts")
QUESTION = (_TEXTS / "adaptive.txt").read_text(encoding="utf-8")
AGAIN = (_TEXTS / "adaptive_again.txt").read_text(encoding="utf-8")

FIDELITY = (
    "Keep the same framing, geometry, objects, faces, text and colours; invent and add nothing, and leave detail that "
    "cannot be recovered as it is."
)
MAX_CHARS = 1200
"""Of the vlm's own text: half as much again as the 120 words that are asked for. Ours, as all that follows."""
MAX_KEPT = 6
MAX_DEFECTS = 5
_MAX_DETAIL_CHARS = 200
_SEVERITIES = ((0.7, "gross"), (0.4, "clear"), (0.0, "slight"))
_KEEPS = re.compile(
    r"\b(keep|kept|same|unchanged|unaltered|identical|preserv\w+|maintain\w*|retain\w*|intact"
    r"|(do not|don't|never|without|must not) (add|alter|chang|invent|remov|mov)\w*)\b",
    re.IGNORECASE,
)
_WORD = re.compile(r"\w{4,}")


def question(task: PromptTask) -> str:
    """Ask for a description of the lq and an instruction; after a rejection, for one that prevents its defects."""
    asked = Template(QUESTION).substitute(measured=_measured(task))
    if not task.defects:
        return asked
    lines = "\n".join(_told(defect) for defect in task.defects[:MAX_DEFECTS])
    return f"{asked}\n{Template(AGAIN).substitute(previous=task.previous, defects=lines)}"


def write(task: PromptTask, description: Description | None) -> Prompt:
    """Take the vlm's instruction, tidied and bounded, with what must be kept where it does not say so itself.

    An instruction that repeats the rejected one word for word gets the defects' corrective sentences.

    Raises:
        GgtError: there is no description to write from.
    """
    if description is None:
        raise GgtError(
            "prompt strategy 'adaptive' has no answer of a vlm to write from: name a vlm for the lane, or use 'fixed'"
        )
    text = _bounded(_tidy(description.prompt))
    if not _KEEPS.search(text):
        text = f"{text} {FIDELITY}"
    unsaid = [item for item in description.must_keep[:MAX_KEPT] if not _mentions(text, item)]
    if unsaid:
        named = "; ".join(dict.fromkeys(_tidy(item.what).rstrip(".;") for item in unsaid))
        text = f"{text} Keep unchanged: {named}."
    if task.defects and text == task.previous:
        text = with_corrections(text, task.defects)
    return Prompt(strategy="adaptive", text=text, defects=task.defects)


def _measured(task: PromptTask) -> str:
    found = task.measurements
    return (
        f"category {task.category}; noise of {found.noise_sigma:.1f} levels of 255, edges blurred by "
        f"{found.blur_px:.1f} pixels, compression blocks {found.blockiness:.1f} (1 is clearly visible), mean "
        f"brightness {found.mean_luma:.2f} of 1, all in the original file of {found.width}x{found.height} pixels"
    )


def _told(defect: Defect) -> str:
    word = next(word for least, word in _SEVERITIES if defect.severity >= least)
    detail = _tidy(defect.detail)[:_MAX_DETAIL_CHARS].rstrip(".")
    return f"- {word} {defect.kind.replace('_', ' ')}, {_place(defect.box)}: {detail}."


def _place(box: Box | None) -> str:
    if box is None:
        return "in the whole picture"
    return f"at {box.left} to {box.left + box.width} across and {box.top} to {box.top + box.height} down"


def _tidy(text: str) -> str:
    """Join the lines, and take away what is not printable."""
    spaced = " ".join(text.split())
    return "".join(sign for sign in spaced if sign.isprintable())


def _bounded(text: str) -> str:
    """Cut after the last whole sentence that fits, else after the last word."""
    if len(text) <= MAX_CHARS:
        return text
    start = text[:MAX_CHARS]
    end = max(start.rfind(stop) for stop in (". ", "! ", "? ")) + 1
    return start[:end] if end else start.rpartition(" ")[0] or start


def _mentions(text: str, item: MustKeep) -> bool:
    """Whether every longer word of the item stands in the text; an item without any is compared whole."""
    lower = text.lower()
    words = _WORD.findall(item.what.lower()) or [item.what.lower()]
    return all(word in lower for word in words)


def _version() -> str:
    parts = (QUESTION, AGAIN, json.dumps(schema_of(Description), sort_keys=True))
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


PLUGIN = PromptStrategy(
    write=write,
    question=question,
    version=_version(),
    source="GGT-100K, arXiv 2605.31039, adaptive prompts and corrective attempts; its texts are unpublished, ours here",
)
