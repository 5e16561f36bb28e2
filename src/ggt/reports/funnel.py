"""Where the lqs ended, step by step, and which kinds of photo survive."""

from ggt.reports import Rendered, ReportFacts, Section, Survival
from ggt.reports._templates import render_template
from ggt.types import CATEGORIES

SEVERITIES = ("low", "medium", "high")


def render(facts: ReportFacts) -> Rendered:
    """Draw one bar a step and a table of shares by category and severity."""
    cells = {(share.category, share.severity): share for share in facts.survival}
    rows = [
        (category, [_cell(cells.get((category, severity))) for severity in SEVERITIES])
        for category in CATEGORIES
        if any((category, severity) in cells for severity in SEVERITIES)
    ]
    total = max(1, facts.num_lqs)
    steps = [step for step in facts.steps if step.num_ended]
    fields = {
        "steps": [(step, 100 * step.num_ended / total) for step in steps],
        "rows": rows,
        "severities": SEVERITIES,
    }
    return Rendered(render_template("funnel.html.j2", fields))


def _cell(share: Survival | None) -> tuple[str, str]:
    """Return what a cell says and its shade: `none`, or a tenth from `t0` to `t10`."""
    if share is None:
        return "–", "none"
    return f"{share.num_pairs} of {share.num_tried}", f"t{10 * share.num_pairs // share.num_tried}"


PLUGIN = Section(
    title="What became of every photo",
    position=10,
    render=render,
    source="design: every photo is accounted for; nothing is dropped in silence",
)
