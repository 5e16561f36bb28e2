"""`ggt status`: the funnel, the spend, and what waits for whom."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ggt.cli._output import AsJson, JsonValue, emit_json, emit_table, emit_text
from ggt.cli.calls import print_spending, spending_json

if TYPE_CHECKING:
    from ggt.stages.status import Status


def status(
    workspace: Annotated[Path, typer.Argument(help="A folder that `ggt build` made.")],
    as_json: AsJson = False,
) -> None:
    """Show the funnel, the spend, sends in doubt, and what waits for whom; never changes anything.

    Example: ggt status my-dataset
    """
    from ggt.stages.status import read_status

    print_status(read_status(workspace), as_json=as_json, stopped=None)


def print_status(status: "Status", *, as_json: bool, stopped: str | None) -> None:
    """Print a workspace's state for machines or for people."""
    if as_json:
        emit_json(_as_json(status, stopped))
        return
    from ggt.stages.funnel import STAGE_WORDS

    rows = [
        [stage, words, reason, str(count)]
        for stage, words in STAGE_WORDS.items()
        for (name, reason), count in sorted(status.fates.items())
        if name == stage
    ]
    emit_table(f"{status.num_photos} photos", ["stage", "meaning", "reason", "count"], rows)
    for path, why in status.failures:
        emit_text(f"failed: {path!r}: {why}")
    for path, why in status.closed_failures:
        emit_text(f"failed in a lane that the recipe no longer names: {path!r}: {why}")
    _print_money(status)
    _print_probes(status)
    if status.being_built:
        emit_text("A build is running in this workspace.")
    for who, until in status.waits:
        clock = time.strftime("%Y-%m-%d %H:%M", time.localtime(until))
        emit_text(f"It waits until {clock}, as {who} asked it to.")
    if stopped:
        emit_text(f"Stopped early: {stopped}")


def _print_probes(status: "Status") -> None:
    for found in status.detections:
        emit_text(
            f"sentinels of {found.subject}, {found.what}: {found.num_right} of {found.num_asked} judged rightly"
        )
    for model, moved in status.drift:
        emit_text(f"paused by drift: {model}: {moved}; build with --accept-drift to go on")


def _print_money(status: "Status") -> None:
    spend = status.spend
    if spend.settled_usd or spend.under_way_usd or spend.num_in_doubt:
        emit_text(
            f"spent {spend.settled_usd:.4f} USD, under way {spend.under_way_usd:.4f}, "
            f"in doubt {spend.in_doubt_usd:.4f} ({spend.num_in_doubt} sends)"
        )
    print_spending(status.spending)
    for send in status.in_doubt:
        answer = "retried" if send.retried else "held: build with --in-doubt retry to send it again"
        emit_text(f"in doubt: send {send.id} ({send.reserved_micro / 1e6:.4f} USD), {answer}")


def _as_json(status: "Status", stopped: str | None) -> JsonValue:
    spend = status.spend
    return {
        "photos": status.num_photos,
        "pairs": status.count("pair"),
        "fates": [
            {"stage": stage, "reason": reason, "count": count}
            for (stage, reason), count in sorted(status.fates.items())
        ],
        "spend_usd": {
            "settled": spend.settled_usd,
            "under_way": spend.under_way_usd,
            "in_doubt": spend.in_doubt_usd,
        },
        "in_doubt": [
            {
                "send": send.id,
                "call": send.call,
                "worst_case_usd": send.reserved_micro / 1e6,
                "retried": send.retried,
                "why": send.detail,
            }
            for send in status.in_doubt
        ],
        "spending": spending_json(status.spending),
        "sentinels": [
            {
                "judge": found.subject,
                "planted": found.what,
                "right": found.num_right,
                "asked": found.num_asked,
            }
            for found in status.detections
        ],
        "drift": [{"model": model, "moved": moved} for model, moved in status.drift],
        "failures": [{"photo": path, "why": why} for path, why in status.failures],
        "failures_of_closed_lanes": [
            {"photo": path, "why": why} for path, why in status.closed_failures
        ],
        "being_built": status.being_built,
        "waits": [{"for": who, "until": until} for who, until in status.waits],
        "stopped": stopped,
    }
