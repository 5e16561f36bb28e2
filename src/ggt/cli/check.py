"""`ggt check`: quality control over anybody's folders of pairs."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ggt.cli._output import AsJson, JsonValue, emit_json, emit_table, emit_text, progress

if TYPE_CHECKING:
    from ggt.stages.check import Checked, CheckFailure
    from ggt.types import Category


def check(
    pairs: Annotated[Path, typer.Argument(help="Folder with lq/ and hq/ (or gt/) inside.")],
    category: Annotated[
        str,
        typer.Option(help="general, rain, haze, snow, lowlight or old: what the lqs suffer from."),
    ] = "general",
    recipe: Annotated[
        Path | None, typer.Option(help="TOML file whose [quality] bounds are used.")
    ] = None,
    processes: Annotated[int, typer.Option(min=1, help="How many pairs at once.")] = os.cpu_count()
    or 1,
    as_json: AsJson = False,
) -> None:
    """Judge pairs by measurements: alignment, a screen by metrics, five aspects.

    In JSON, one line a pair: id, verdict (accept, reject, unjudged), stage, reasons, aspects, alignment, scores; a
    pair that could not be read has id and failure. Rejected pairs are results: the exit code is 0 when all pairs
    were judged, 1 when some had no partner, broken files or unequal sizes.

    Example: ggt check pairs/ --category haze --json
    """
    from ggt.settings.recipe import Recipe, load_recipe
    from ggt.stages.check import Checked, find_pairs
    from ggt.stages.check import check as run_check

    chosen = _category(category)
    quality = (load_recipe(recipe) if recipe else Recipe()).quality
    found, failures = find_pairs(pairs)
    judged: list[Checked] = []
    say = _say if as_json else _say_nothing
    for failure in failures:
        say(failure)
    with progress("check", len(found), quiet=as_json) as advance:
        results = run_check(
            found, category=chosen, quality=quality, num_processes=processes, advance=advance
        )
        for result in results:
            if isinstance(result, Checked):
                judged.append(result)
            else:
                failures.append(result)
            say(result)
    if not as_json:
        _print(judged, failures)
    if failures:
        raise typer.Exit(1)


def _category(name: str) -> "Category":
    from ggt.errors import UsageError
    from ggt.types import CATEGORIES

    for known in CATEGORIES:
        if known == name:
            return known
    raise UsageError(f"no category is named {name!r}: choose from {', '.join(CATEGORIES)}")


def _say_nothing(result: "Checked | CheckFailure") -> None:
    del result  # people get a table at the end


def _say(result: "Checked | CheckFailure") -> None:
    from ggt.stages.check import Checked

    emit_json(_passed(result) if isinstance(result, Checked) else _failed(result))


def _passed(checked: "Checked") -> JsonValue:
    found = checked.assessment
    alignment = found.alignment
    return {
        "id": checked.id,
        "verdict": found.verdict,
        "stage": found.stage,
        "reasons": list(found.reasons),
        "aspects": {
            aspect.aspect: {"level": aspect.level, "confidence": aspect.confidence}
            for aspect in found.aspects
        },
        "alignment": None
        if alignment is None
        else {
            "shift_x_px": alignment.shift_x_px,
            "shift_y_px": alignment.shift_y_px,
            "scale": alignment.scale,
            "rotation_deg": alignment.rotation_deg,
            "local_px": alignment.local_px,
            "support": alignment.support,
        },
        "scores": {name: round(value, 5) for name, value in found.scores.items()},
    }


def _failed(failure: "CheckFailure") -> JsonValue:
    return {"id": failure.id, "failure": failure.reason}


def _print(judged: "list[Checked]", failures: "list[CheckFailure]") -> None:
    rows = [
        [
            checked.id,
            checked.assessment.verdict,
            checked.assessment.stage or "",
            checked.assessment.reasons[0] if checked.assessment.reasons else "",
        ]
        for checked in sorted(judged, key=lambda checked: checked.id)
    ]
    emit_table("pairs", ["id", "verdict", "stage", "first reason"], rows)
    accepted = sum(checked.assessment.verdict == "accept" for checked in judged)
    emit_text(f"{accepted} of {len(judged)} judged pairs accepted, {len(failures)} not judged")
    for failure in failures:
        emit_text(f"not judged: {failure.id}: {failure.reason}")
