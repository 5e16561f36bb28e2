"""What a report may have to show, with names that try to break out of the page."""

from ggt.reports import (
    Failure,
    Figure,
    FunnelStep,
    Paid,
    ReportFacts,
    ScoreSample,
    Survival,
)
from ggt.types import Box, Defect

HOSTILE = '"><img src=x onerror=alert(1)>.png'


def make_figure(name, *, ground_truth=True, title=HOSTILE, boxes=()):
    return Figure(
        id=name,
        lq=f"img/{name}-lq.png",
        other=f"img/{name}-gt.png",
        width=64,
        height=48,
        category="rain",
        title=title,
        facts=(("author", f"Ann {HOSTILE}"),),
        ground_truth=ground_truth,
        trust=f"img/{name}-trust.png",
        boxes=boxes,
    )


def make_facts() -> ReportFacts:
    box = Box(8, 8, 16, 16)
    hue = Defect("colour_consistency", "hue", 0.7, f"turned by 14 degrees {HOSTILE}", box)
    return ReportFacts(
        name=f"my set {HOSTILE}",
        num_lqs=5,
        num_pairs=2,
        num_rejected=2,
        num_waiting=1,
        any_not_ground_truth=True,
        steps=(
            FunnelStep("rejected by the judge", 2, 3, ((f"hue {HOSTILE}", 2),)),
            FunnelStep("waits for people", 1, 2, (("", 1),)),
            FunnelStep("accepted as a pair", 2, 0, (("measured", 2),)),
        ),
        survival=(Survival("rain", "low", 2, 3), Survival("haze", "high", 0, 1)),
        pairs=(make_figure("a1"), make_figure("b2", ground_truth=False, title="plain.png")),
        failures=(
            Failure(
                make_figure("c3", ground_truth=False, boxes=(box,)),
                "colour_consistency",
                ("hue: turned",),
                (hue,),
            ),
            Failure(make_figure("d4"), None, ("rejected by a person",), ()),
        ),
        scores=tuple(
            ScoreSample(name, "rain", value, accepted)
            for name in (f"<b>{HOSTILE}", "psnr@lq")
            for value, accepted in ((24.0, True), (26.0, True), (12.5, False))
        ),
        costs=(
            Paid("all", 1.5, 2),
            Paid("attempt 1", 1.25, 2),
            Paid(f"restorer {HOSTILE}", 0.25, 0),
        ),
    )
