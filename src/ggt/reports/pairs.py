"""Accepted pairs to look at, before and after, with the trust map over them."""

from ggt.reports import Rendered, ReportFacts, Section
from ggt.reports._templates import render_template


def render(facts: ReportFacts) -> Rendered:
    """Show the sampled pairs."""
    fields = {"figures": facts.pairs, "num_pairs": facts.num_pairs}
    return Rendered(render_template("pairs.html.j2", fields))


PLUGIN = Section(
    title="Pairs, before and after",
    position=20,
    render=render,
    source="a reader's first question: would I train on these?",
)
