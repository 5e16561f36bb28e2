"""`ggt report`: a page about a workspace."""

from pathlib import Path
from typing import Annotated

import typer

from ggt.cli._output import AsJson, emit_json, emit_text


def report(
    workspace: Annotated[Path, typer.Argument(help="The folder that `ggt build --out` made.")],
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder to write; WORKSPACE/report by default.")
    ] = None,
    pairs: Annotated[int, typer.Option(help="How many pairs to show, drawn by lot.", min=0)] = 24,
    as_json: AsJson = False,
) -> None:
    """Write a page with before/after sliders, funnel, scores, trust maps and what was turned down.

    The folder opens from a disk in any browser, asks nothing from elsewhere, and may be copied as it is.

    Example: ggt report my-dataset
    """
    from ggt.stages.report import write_report

    page = write_report(workspace, out or workspace / "report", num_pairs=pairs)
    address = page.absolute().as_uri()
    if as_json:
        emit_json({"page": str(page), "address": address})
    else:
        emit_text(address)
