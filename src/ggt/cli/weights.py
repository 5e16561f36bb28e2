"""`ggt weights`: the files that ggt can use and does not ship."""

from pathlib import Path
from typing import Annotated

import typer

from ggt.cli._output import AsJson, emit_json, emit_table, emit_text

app = typer.Typer(
    no_args_is_help=True,
    help=(
        "Parameters and weights that ggt does not ship: what it knows, and importing them by hash.\n\n"
        "They are kept in GGT_WEIGHTS_DIR, else in the user's data folder.\n\n"
        "Example: ggt weights import modelparameters.mat"
    ),
)


@app.command("list")
def list_known(*, as_json: AsJson = False) -> None:
    """List the known files: what each is for, its licence, where to get it, and whether it is imported.

    Example: ggt weights list --json
    """
    from ggt.weights.imported import imported_path, state_of, weights_folder
    from ggt.weights.registry import KNOWN

    if as_json:
        emit_json(
            [
                {
                    "name": known.name,
                    "file": known.file_name,
                    "sha256": known.sha256,
                    "bytes": known.num_bytes,
                    "purpose": known.purpose,
                    "licence": known.licence,
                    "address": known.address,
                    "state": state_of(known),
                    "path": str(imported_path(known)),
                }
                for known in KNOWN
            ]
        )
        return
    rows = [[known.name, state_of(known), known.purpose] for known in KNOWN]
    emit_table(f"Weights in {weights_folder()}", ["name", "state", "for"], rows)
    for known in KNOWN:
        emit_text(
            f"{known.name}: {known.file_name}, sha256 {known.sha256}\n"
            f"  licence: {known.licence}\n  get it from: {known.address}"
        )


@app.command("import")
def import_known(
    file: Annotated[Path, typer.Argument(help="A file from `ggt weights list`, under any name.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Import a file, recognised by its sha256; anything else is refused and nothing is stored.

    Example: ggt weights import ~/Downloads/modelparameters.mat
    """
    from ggt.weights.imported import import_file, imported_path

    known = import_file(file)
    path = imported_path(known)
    if as_json:
        emit_json({"name": known.name, "sha256": known.sha256, "path": str(path)})
    else:
        emit_text(f"Imported {known.name} ({known.purpose}) to {path}\nLicence: {known.licence}")
