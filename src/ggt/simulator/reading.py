"""How the simulated provider reads a prompt or a question: the category, and the defects of an earlier attempt."""

import re

from ggt import plugins
from ggt.measure.category import guess_category
from ggt.measure.photo import grade, measure_photo
from ggt.prompts._wording import CORRECTIONS, INSTRUCTIONS
from ggt.types import CATEGORIES, Aspect, Category, Defect, Image, Measurements

_NAMED = re.compile(rf"\bcategory ({'|'.join(CATEGORIES)})\b")
_TURNED_DOWN = re.compile(r"faults would be turned down: ([^.]*)\.")
"""As the vlm that only measures ends its instructions."""
_LISTED = re.compile(r"^- (?:slight|clear|gross) ([a-z ]+), ", re.MULTILINE)
"""As the adaptive strategy lists what was wrong with an earlier attempt."""
_TOLD: Aspect = "restoration_quality"


def look(lq: Image, prompt: str) -> tuple[Category, Measurements]:
    """Tell an lq's category, by what the prompt says of it, else by measuring; and measure it."""
    measured = measure_photo(lq)
    category = _category_in(prompt) or guess_category(measured, lq)[0]
    return category, grade(measured, category)


def defects_in(prompt: str) -> tuple[Defect, ...]:
    """Find the faults that a prompt warns of, in any of the ways in which ggt's own prompts do."""
    named = [name for name, sentence in CORRECTIONS.items() if sentence in prompt]
    for found in _TURNED_DOWN.findall(prompt):
        named += found.split(", ")
    named += _LISTED.findall(prompt)
    kinds = dict.fromkeys(name.replace(" ", "_") for name in named)
    known = set(plugins.names("faults"))
    return tuple(Defect(_TOLD, kind, 1.0, "named in the prompt") for kind in kinds if kind in known)


def _category_in(prompt: str) -> Category | None:
    stated = _NAMED.search(prompt)
    for category in CATEGORIES:
        if INSTRUCTIONS[category] in prompt or (stated and stated[1] == category):
            return category
    return None
