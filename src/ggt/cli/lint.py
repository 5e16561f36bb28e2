"""`ggt lint`: what is wrong with a paired dataset."""

from pathlib import Path
from typing import Annotated

import typer

from ggt.cli._output import AsJson, emit_json, emit_table, emit_text, progress


def lint(
    folder: Annotated[
        Path, typer.Argument(help="A release, or anybody's paired dataset: Parquet, tar, folders.")
    ],
    as_json: AsJson = False,
) -> None:
    """Check a paired dataset: missing, swapped, broken or identical sides, leaks, licences, checksums.

    Exit code 0: nothing found; 1: findings, each listed with its file or row.

    Example: ggt lint out/
    """
    from ggt.stages.lint import count_by_kind, lint_dataset

    with progress("pairs", None, quiet=as_json) as advance:
        linted = lint_dataset(folder, advance=advance)
    counts = count_by_kind(linted.findings)
    if as_json:
        emit_json(
            {
                "format": linted.format_name,
                "num_pairs": linted.num_pairs,
                "counts": {str(kind): count for kind, count in counts.items()},
                "findings": [
                    {"kind": found.kind, "where": found.where, "detail": found.detail}
                    for found in linted.findings
                ],
                "advice": list(linted.advice),
            }
        )
    else:
        rows = [[found.kind, found.where, found.detail] for found in linted.findings]
        if rows:
            emit_table("Findings", ["kind", "where", "what"], rows)
        told = ", ".join(f"{count} {kind}" for kind, count in counts.items()) or "nothing found"
        emit_text(f"{linted.num_pairs} pairs in {linted.format_name}: {told}")
        for sentence in linted.advice:
            emit_text(f"Note: {sentence}")
    if linted.findings:
        raise typer.Exit(1)
