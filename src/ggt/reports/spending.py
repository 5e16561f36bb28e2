"""What accepted pairs cost, by category, restorer, attempt and stage: what did attempts two and three buy?"""

from ggt.reports import Rendered, ReportFacts, Section
from ggt.reports._templates import render_template


def render(facts: ReportFacts) -> Rendered:
    """List dollars and pairs; nothing was paid where no provider was asked."""
    return Rendered(render_template("spending.html.j2", {"costs": facts.costs}))


PLUGIN = Section(
    title="What an accepted pair cost",
    position=15,
    render=render,
    source="design: dollars per accepted pair decide adoption; everything that was paid counts",
)
