"""`ggt degrade`: lqs with known truth, from clean photos."""

from pathlib import Path
from typing import Annotated

import typer

from ggt.cli._output import AsJson, emit_json, emit_text, progress


def degrade(
    clean: Annotated[
        Path, typer.Argument(help="Folder of clean photos, or `bundled` for scikit-image's.")
    ],
    out: Annotated[Path, typer.Option(help="Folder for the degraded photos and their photos.csv.")],
    kinds: Annotated[
        str, typer.Option(help="Degradations, separated by commas; all by default.")
    ] = "",
    seed: Annotated[
        int, typer.Option(min=0, help="Another seed gives other drops, noise, directions.")
    ] = 0,
    per_photo: Annotated[
        int | None,
        typer.Option(help="Apply this many kinds to each photo, taking turns; all by default."),
    ] = None,
    weakest: Annotated[float, typer.Option(help="Least strength, 0 to 1.")] = 0.15,
    strongest: Annotated[float, typer.Option(help="Greatest strength, 0 to 1.")] = 0.85,
    as_json: AsJson = False,
) -> None:
    """Degrade clean photos: the input of rehearsals, whose truth is known.

    Writes PNG files and a photos.csv that names each one's category, licence and clean original.

    Example:
    ggt degrade clean/ --out lq/ --kinds noise,haze --seed 1
    """
    from ggt import plugins
    from ggt.sources import Source
    from ggt.sources.bundled import bundled_folder
    from ggt.stages.degrade import DegradePlan, degrade_photos

    bundled = str(clean) == "bundled"
    root = bundled_folder() if bundled else clean
    source = plugins.load("sources", "bundled" if bundled else "folder", Source)
    photos = list(source.find(root))
    names = kinds.split(",") if kinds else plugins.names("degradations")
    plan = DegradePlan(
        kinds=tuple(name.strip() for name in names),
        seed=seed,
        per_photo=per_photo,
        weakest=weakest,
        strongest=strongest,
    )
    with progress("degrading", len(photos), quiet=as_json) as advance:
        result = degrade_photos(photos, root, out=out, plan=plan, advance=advance)
    if as_json:
        emit_json(
            {"out": str(out), "written": result.num_written, "failures": list(result.failures)}
        )
    else:
        emit_text(f"wrote {result.num_written} degraded photos and photos.csv to {out}")
        for failure in result.failures:
            emit_text(f"left out: {failure}")
    if result.failures:
        raise typer.Exit(1)
