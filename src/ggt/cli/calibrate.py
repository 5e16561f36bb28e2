"""`ggt calibrate`: what quality control catches and loses, measured on your own clean photos."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ggt.cli._output import AsJson, JsonValue, emit_json, emit_text, stage_progress

if TYPE_CHECKING:
    from ggt.stages.calibration.calibrate import Rate


def calibrate(
    photos: Annotated[
        Path | None, typer.Option(help="Folder of clean photos; else the bundled ones.")
    ] = None,
    cache: Annotated[
        Path | None, typer.Option(help="Keep measurements here: another fit then takes seconds.")
    ] = None,
    per_photo: Annotated[int, typer.Option(min=1, help="Degradations for each photo.")] = 7,
    side: Annotated[int, typer.Option(min=256, help="Side of the squares cut from photos.")] = 1024,
    seed: Annotated[int, typer.Option(help="Seed of strengths, places and draws.")] = 0,
    processes: Annotated[int, typer.Option(min=1, help="How many cells at once.")] = os.cpu_count()
    or 1,
    out: Annotated[
        Path | None, typer.Option(help="Write the model fitted on all photos to this JSON file.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Plant faults in faithful pairs, judge both, leave one photo out.

    Clean photos are degraded by the files of degradations/; faithful targets and targets with planted faults are
    judged by bounds that were fitted without their photo. What a pair cannot show is counted apart. The figures hold
    for synthetic degradations and near-true targets, not for generative outputs.

    Example: ggt calibrate --photos clean/ --cache calibration-cache/
    """
    from ggt.stages.calibration.calibrate import calibrate as run_calibrate
    from ggt.stages.calibration.cases import deal
    from ggt.stages.calibration.table import markdown, summary
    from ggt.store.blobs import write_durably

    with stage_progress(quiet=as_json) as show:
        result = run_calibrate(
            photos,
            deal_cells=lambda found: deal(found, per_photo=per_photo, side=side, seed=seed),
            cache=cache,
            num_processes=processes,
            show=show,
        )
    if out:
        write_durably(out, (result.model.model_dump_json() + "\n").encode())
    if as_json:
        emit_json({name: _json(rate) for name, rate in summary(result.judged).items()})
    else:
        emit_text(markdown(result.judged))


def _json(rate: "Rate") -> JsonValue:
    low, high = rate.interval
    return {"count": rate.count, "total": rate.total, "low": low, "high": high}
