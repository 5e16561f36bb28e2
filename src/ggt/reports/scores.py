"""Every score of every candidate, accepted and rejected side by side."""

import hashlib
from collections.abc import Sequence

from ggt.reports import Rendered, ReportFacts, ScoreSample, Section
from ggt.reports._dots import Dots, plot_dots
from ggt.reports._templates import render_template
from ggt.types import CATEGORIES, Category

MAX_POINTS = 1500
"""More dots than this of one score hide each other: the first by hash are drawn."""

_ACCEPTED, _REJECTED = "#1f6f6b", "#b4532a"


def render(facts: ReportFacts) -> Rendered:
    """Draw one plot a score, as SVG, the same bytes for the same values."""
    names = sorted({sample.name for sample in facts.scores})
    plots: list[tuple[str, str]] = []
    files: dict[str, bytes] = {}
    for number, name in enumerate(names):
        address = f"figures/score-{number:02d}.svg"
        plots.append((name, address))
        files[address] = _plot([sample for sample in facts.scores if sample.name == name])
    return Rendered(render_template("scores.html.j2", {"plots": plots}), files)


def _plot(samples: Sequence[ScoreSample]) -> bytes:
    drawn = sorted(samples, key=_rank)[:MAX_POINTS]
    present: list[Category] = [
        c for c in CATEGORIES if any(sample.category == c for sample in drawn)
    ]
    groups: list[Dots] = []
    for accepted, colour in ((False, _REJECTED), (True, _ACCEPTED)):
        chosen = [sample for sample in drawn if sample.accepted is accepted]
        heights = [_height(sample, present) for sample in chosen]
        groups.append((colour, [sample.value for sample in chosen], heights))
    return plot_dots(groups, present)


def _rank(sample: ScoreSample) -> str:
    """Order samples as if at random, the same way each time."""
    text = f"{sample.name} {sample.category} {sample.value!r} {sample.accepted}"
    return hashlib.sha256(text.encode()).hexdigest()


def _height(sample: ScoreSample, present: Sequence[Category]) -> float:
    """Place a dot on its category's line, accepted above rejected, spread a little."""
    spread = int(_rank(sample)[:4], 16) / 0xFFFF * 0.26 - 0.13
    return present.index(sample.category) + (-0.17 if sample.accepted else 0.17) + spread


PLUGIN = Section(
    title="Scores of accepted and rejected candidates",
    position=30,
    render=render,
    source="which bound decides, and how near the accepted ones lie to it",
)
