"""What quality control turned down, by the aspect that the gravest defect belongs to."""

from ggt.reports import Rendered, ReportFacts, Section
from ggt.reports._templates import render_template
from ggt.types import ASPECTS


def render(facts: ReportFacts) -> Rendered:
    """Show the sampled rejections, each with its defects and where they sit."""
    groups = [
        (str(aspect).replace("_", " ") if aspect else "without a located defect", chosen)
        for aspect in (*ASPECTS, None)
        if (chosen := [failure for failure in facts.failures if failure.aspect == aspect])
    ]
    fields = {"groups": groups, "num_rejected": facts.num_rejected}
    return Rendered(render_template("failures.html.j2", fields))


PLUGIN = Section(
    title="What was turned down, and why",
    position=40,
    render=render,
    source="audits: the five aspects of the GGT-100K paper, section 3",
)
