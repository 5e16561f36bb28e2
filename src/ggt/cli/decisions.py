"""`ggt decisions`: what people decided, in and out as JSON lines."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from ggt.cli._output import AsJson, emit_json, emit_text

app = typer.Typer(no_args_is_help=True, help="People's decisions about candidates, as JSON lines.")

Workspace = Annotated[Path, typer.Argument(help="A folder that `ggt build` made.")]


@app.command("import")
def import_(
    workspace: Workspace,
    file: Annotated[Path, typer.Argument(help="JSON lines; see docs/decisions-file.md.")],
    as_json: AsJson = False,
) -> None:
    """Add decisions, all or none; what is there already is skipped. Works while a build runs.

    Example: ggt decisions import my-dataset reviewed.jsonl
    """
    from ggt.stages.review import import_decisions

    added = import_decisions(workspace, file)
    if as_json:
        emit_json({"added": added})
    else:
        emit_text(
            f"{added} decisions added; `ggt build` acts on regenerate, the rest counts at once"
        )


@app.command("export")
def export(
    workspace: Workspace,
    waiting: Annotated[
        bool, typer.Option("--waiting", help="Candidates that wait for people, to be filled in.")
    ] = False,
    audit: Annotated[
        int | None,
        typer.Option(
            help="Pairs drawn by lot, to be filled in: the card's bound on bad pairs.", min=1
        ),
    ] = None,
) -> None:
    """Print every decision, or with --waiting or --audit a line for each candidate that waits for one.

    Example: ggt decisions export my-dataset > reviewed.jsonl
    """
    from ggt.errors import UsageError
    from ggt.stages.review import export_audit, export_decisions, export_waiting

    if waiting and audit is not None:
        raise UsageError("--waiting and --audit are two lists: ask for one at a time")
    if audit is not None:
        sys.stdout.write(export_audit(workspace, audit))
    else:
        sys.stdout.write(export_waiting(workspace) if waiting else export_decisions(workspace))
