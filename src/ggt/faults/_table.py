"""The table of docs/faults.md, written from the faults themselves: `python -m ggt.faults._table > docs/faults.md`."""

import inspect
import sys

from ggt import plugins
from ggt.faults import Fault, _evidence, residual_degradation
from ggt.types import ASPECTS

HEAD = """# Faults

What can be planted in a good pair, which aspects may notice it, and how strong subtle and gross are. A judge that
blames an aspect without a mark is wrong. Strength runs from 0 (just visible to an attentive reviewer) to 1 (gross, seen
at a glance); all strengths are ours.

Written by `make docs` from `src/ggt/faults/`; a test compares. How to add one: [add-a-fault.md](add-a-fault.md).
"""

UNDECIDABLE = """## What a pair cannot show

A planted fault is counted apart (`decidable` is false) where the pair itself cannot show it. That is measured on each
pair, never taken from the degradation's name:

- Geometry, objects, textures, smoothing, colour: the lq is explained by least squares as
  `a * spoiled + b * (faithful - spoiled)`. Below b / a = {share:g}, or below {significance:g} standard errors, it does
  not speak for the faithful target: the change is finer than the lq resolves, or below its noise.
- Desaturation: the lq, against its light and dark, shows no more colour than the spoiled target.
- Cast: the lq has a stronger cast against its target than the planted one.
- Residual degradation: the lq is its target under a smooth change of tone (haze, fading, missing light), so what
  remains looks like less of it; with {nearly:.0%} of it or more left, it is seen by its likeness to the lq.
- Half restored, unchanged, swapped, wrong photo: both sides differ by less than {same:g} levels root mean square.
"""


def faults_page() -> str:
    """Return docs/faults.md: one row per fault, and the criteria of what a pair cannot show."""
    names = plugins.names("faults")
    titles = [aspect.replace("_", " ") for aspect in ASPECTS]
    head = "| fault | what it does | " + " | ".join(titles) + " | subtle | gross |"
    rule = "|---|---|" + ":-:|" * len(ASPECTS) + "--:|--:|"
    criteria = UNDECIDABLE.format(
        share=_evidence.MIN_SHARE,
        significance=_evidence.MIN_SIGNIFICANCE,
        nearly=residual_degradation.NEARLY_ALL,
        same=_evidence.SAME_LEVELS,
    )
    return "\n".join([HEAD, head, rule, *map(_row, names), "", criteria])


def _row(name: str) -> str:
    fault = plugins.load("faults", name, Fault)
    said = (inspect.getdoc(fault.plant) or "").split("\n\n")[0].replace("\n", " ")
    marks = ["x" if aspect in fault.aspects else "" for aspect in ASPECTS]
    cells = [f"`{name}`", said, *marks, f"{fault.subtle:g}", f"{fault.gross:g}"]
    return "| " + " | ".join(cells) + " |"


if __name__ == "__main__":
    sys.stdout.write(faults_page())
