"""`ggt score`: metrics over a folder of restored images."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ggt.cli._output import AsJson, JsonValue, emit_json, emit_table, emit_text, stage_progress

if TYPE_CHECKING:
    from ggt.stages.score import ScoreReport, ScoreSummary


def score(
    restored: Annotated[Path, typer.Option(help="Folder of the images to score.")],
    metrics: Annotated[
        str, typer.Option(help="Comma separated: psnr, psnr_y, ssim, ssim_rgb, niqe, naturalness.")
    ] = "psnr,ssim",
    gt: Annotated[
        Path | None, typer.Option(help="Folder of the gt, files of the same names.")
    ] = None,
    csv: Annotated[Path | None, typer.Option(help="Write one line a score to this file.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of the bootstrap of the intervals.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Score restored images, with means and their 95 % intervals over images.

    Pairs by path without suffix; nothing is resized. Each value carries the id of its definition. In JSON an infinite
    score (PSNR of identical images) is the text "inf"; means are over finite scores. Ends with 1 when some
    image could not be scored, each listed with its reason.

    Example: ggt score --metrics psnr,ssim,niqe --restored out/ --gt gt/
    """
    from ggt.stages.score import score as run_score
    from ggt.stages.score import write_scores

    names = [name.strip() for name in metrics.split(",") if name.strip()]
    with stage_progress(quiet=as_json) as show:
        report = run_score(
            restored, gt, names, seed=seed, show=lambda done, total: show("score", done, total)
        )
    if csv:
        write_scores(csv, report)
    if as_json:
        emit_json(_json(report))
    else:
        _print(report)
    if report.failures:
        raise typer.Exit(1)


def _json(report: "ScoreReport") -> JsonValue:
    return {
        "summaries": [
            {
                "metric": summary.column,
                "definition": summary.definition,
                "higher_is_better": summary.higher_is_better,
                "images": summary.num_images,
                "infinite": summary.num_infinite,
                "mean": summary.mean,
                "ci95": None if summary.low is None else [summary.low, summary.high],
            }
            for summary in report.summaries
        ],
        "images": [
            {
                "image": image.name,
                **{column: _number(value) for column, value in image.scores.items()},
            }
            for image in report.images
        ],
        "failures": [
            {"image": failure.name, "metric": failure.column, "reason": failure.reason}
            for failure in report.failures
        ],
        "ignored": list(report.ignored),
    }


def _number(value: float) -> float | str:
    return "inf" if value == float("inf") else value


def _print(report: "ScoreReport") -> None:
    emit_table(
        f"Scores of {len(report.images)} images",
        ["metric", "better", "images", "mean", "95 % interval"],
        [_row(summary) for summary in report.summaries],
    )
    for summary in report.summaries:
        emit_text(f"definition of {summary.column}: {summary.definition}")
    for failure in report.failures:
        column = f" ({failure.column})" if failure.column else ""
        emit_text(f"failed: {failure.name!r}{column}: {failure.reason}")
    if report.ignored:
        emit_text(f"ignored: {len(report.ignored)} files that are no images by their names")


def _row(summary: "ScoreSummary") -> list[str]:
    infinite = f" + {summary.num_infinite} infinite" if summary.num_infinite else ""
    finite = summary.num_images - summary.num_infinite
    return [
        summary.column,
        "higher" if summary.higher_is_better else "lower",
        f"{finite}{infinite}",
        "" if summary.mean is None else f"{summary.mean:.4f}",
        "" if summary.low is None else f"{summary.low:.4f} to {summary.high:.4f}",
    ]
