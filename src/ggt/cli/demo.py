"""`ggt demo`: the whole way on bundled photos, offline, in a minute."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ggt.cli._output import AsJson, JsonValue, emit_json, emit_table, emit_text, stage_progress

if TYPE_CHECKING:
    from ggt.stages.demo import Rehearsed


def demo(
    out: Annotated[Path, typer.Option("--out", help="Folder for all that the demo makes.")],
    seed: Annotated[int, typer.Option(help="Seed of the degradations.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Make a verified dataset from scikit-image's free photos; no key, no GPU, no network.

    The photos are degraded, then restored twice: by `simulated`, the rehearsal of a generative model, which returns the
    known truth spoiled by faults at stated rates, and by `classical`, a baseline. Neither is ground truth.

    Example: ggt demo --out demo
    """
    from ggt.stages.demo import run_demo, show

    with stage_progress(quiet=as_json) as advance:
        rehearsed = run_demo(out, seed=seed, advance=advance)
    shown = show(out)
    if as_json:
        emit_json(
            {
                "builds": [_as_json(build) for build in rehearsed],
                "dataset": str(shown.dataset) if shown.dataset else None,
                "report": str(shown.report),
            }
        )
        return
    rows = [_row(build) for build in rehearsed]
    columns = [
        "restorer",
        "photos",
        "pairs",
        "faults caught",
        "faithful kept",
        "PSNR lq",
        "PSNR hq",
    ]
    emit_table("not-ground-truth: a rehearsal and a baseline", columns, rows)
    emit_text("PSNR in dB against the known truth, median over the accepted pairs.")
    emit_text(f"dataset: {shown.dataset or 'none: no pair was accepted'}")
    emit_text(f"report:  {shown.report.absolute().as_uri()}")


def _row(build: "Rehearsed") -> list[str]:
    faults = build.count("rejected", faulty=True)
    kept = build.count("passed", faulty=False)
    num_faulty = faults + build.count("passed", faulty=True)
    num_faithful = kept + build.count("rejected", faulty=False)
    return [
        build.restorer,
        str(build.num_lqs),
        str(build.num_pairs),
        f"{faults} of {num_faulty}" if num_faulty else "-",
        f"{kept} of {num_faithful}" if num_faithful else "-",
        "-" if build.psnr_lq is None else f"{build.psnr_lq:.2f}",
        "-" if build.psnr_hq is None else f"{build.psnr_hq:.2f}",
    ]


def _as_json(build: "Rehearsed") -> JsonValue:
    return {
        "restorer": build.restorer,
        "workspace": str(build.workspace),
        "photos": build.num_lqs,
        "pairs": build.num_pairs,
        "attempts": [
            {"fault": fault, "verdict": verdict, "count": count}
            for (fault, verdict), count in sorted(build.planted.items())
        ],
        "psnr_lq_db": build.psnr_lq,
        "psnr_hq_db": build.psnr_hq,
    }
