"""`ggt estimate`: calls, dollars and hours of a build, before anything is sent."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ggt.cli._output import AsJson, emit_json, emit_table, emit_text

if TYPE_CHECKING:
    from ggt.cli._output import JsonValue
    from ggt.settings.recipe import Recipe
    from ggt.stages.estimate import Estimate, Figure, Item


def estimate(
    photos: Annotated[Path, typer.Argument(help="Folder of photos; they are counted, not opened.")],
    recipe: Annotated[Path | None, typer.Option("--recipe", help="TOML file of settings.")] = None,
    restorer: Annotated[
        str | None, typer.Option(help="Restorers, comma separated; instead of the recipe's lanes.")
    ] = None,
    prompt: Annotated[str, typer.Option(help="Prompt strategy of --restorer.")] = "fixed",
    vlm: Annotated[
        str | None, typer.Option(help="Who writes prompts and judges, where these ask.")
    ] = None,
    judge: Annotated[
        str | None, typer.Option(help="Judge: measured asks nobody; instead of the recipe's.")
    ] = None,
    samples: Annotated[int, typer.Option(help="Samples per restorer of --restorer.")] = 1,
    votes: Annotated[
        int | None, typer.Option(help="How often the judge is asked about a candidate.")
    ] = None,
    attempts: Annotated[
        float | None, typer.Option(help="Likely attempts a lane; by default 1.39 of up to 3.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say what a build would ask, pay and wait for: with one attempt each, as is likely, and with all attempts.

    Nothing is sent. Prices are those of `ggt models`; every assumption is listed below the table.

    Example: ggt estimate photos/ --restorer nano_banana_2 --prompt adaptive --vlm gemini_3_1_pro --judge vlm
    """
    from datetime import UTC, datetime

    from ggt.settings.recipe import Recipe, load_recipe
    from ggt.sources.folder import list_images
    from ggt.stages.estimate import estimate as compute
    from ggt.stages.estimate import plan_of

    resolved = load_recipe(recipe) if recipe else Recipe()
    resolved = _with_lanes(resolved, restorer, prompt=prompt, vlm=vlm, samples=samples)
    resolved = _with_judge(resolved, judge, vlm=vlm, votes=votes)
    num_photos = len(list_images(photos).images)
    plan = plan_of(resolved, num_photos, attempts=attempts)
    result = compute(plan, datetime.now(UTC).date())
    if as_json:
        emit_json(_as_json(result, num_photos=num_photos, num_lqs=plan.num_lqs))
    else:
        _print(result, num_photos=num_photos, num_lqs=plan.num_lqs)


def _with_lanes(
    recipe: "Recipe", restorer: str | None, *, prompt: str, vlm: str | None, samples: int
) -> "Recipe":
    from ggt.settings.lanes import LaneSettings

    if restorer is None:
        return recipe
    lanes = tuple(
        LaneSettings(restorer=name.strip(), prompt=prompt, vlm=vlm, samples=samples)
        for name in restorer.split(",")
    )
    return recipe.model_copy(update={"lanes": lanes})


def _with_judge(
    recipe: "Recipe", judge: str | None, *, vlm: str | None, votes: int | None
) -> "Recipe":
    from ggt import plugins
    from ggt.errors import UsageError
    from ggt.judges import AskingJudge, Judge
    from ggt.settings.quality import JudgeSettings

    settings = recipe.quality.judge
    changes: dict[str, object] = {} if votes is None else {"votes": votes}
    if judge is not None:
        asks = isinstance(plugins.load("judges", judge, (Judge, AskingJudge)), AskingJudge)
        asked = vlm or settings.vlm if asks else None
        if asks and asked is None:
            raise UsageError(f"the judge {judge!r} asks a vlm: name one with --vlm")
        changes |= {"vlm": asked} | ({"asking": judge} if asks else {})
    changed = JudgeSettings.model_validate(settings.model_dump() | changes)
    quality = recipe.quality.model_copy(update={"judge": changed})
    return recipe.model_copy(update={"quality": quality})


def _print(result: "Estimate", *, num_photos: int, num_lqs: int) -> None:
    one, likely, every = (f"{case.attempts:.3g}" for case in result.cases)
    columns = ["step", "asked", f"{one} attempt", f"{likely} attempts", f"{every} attempts"]
    rows = [_row(item) for item in result.items]
    totals = [result.total(index) for index in range(len(result.cases))]
    rows.append(["all", "", *(_cell(figure) for figure in totals)])
    rows.append(["time", "", *(_time(hours) for hours in result.hours)])
    crops = f", at most {num_lqs:,} lqs" if num_lqs != num_photos else ""
    emit_table(f"{num_photos:,} photos{crops}", columns, rows)
    for name, hours in result.hours_by_model.items():
        emit_text(f"{name} is busy for {', '.join(_time(value) for value in hours)}")
    for sentence in result.assumptions:
        emit_text(f"- {sentence}")
    for sentence in result.lacks:
        emit_text(f"Before a build can begin: {sentence}")


def _time(hours: float) -> str:
    return f"{hours:,.1f} hours" if hours >= 1 else f"{hours * 60:.1f} minutes"


def _row(item: "Item") -> list[str]:
    read = f"\nprice of {item.model.price.as_of}" if item.model else "\nruns here"
    return [item.step, f"{item.name}{read}", *(_cell(figure) for figure in item.figures)]


def _cell(figure: "Figure") -> str:
    return (
        f"{round(figure.calls):,} calls\n${figure.usual_usd:,.2f}\nat most ${figure.most_usd:,.2f}"
    )


def _as_json(result: "Estimate", *, num_photos: int, num_lqs: int) -> "JsonValue":
    return {
        "num_photos": num_photos,
        "num_lqs": num_lqs,
        "cases": [
            {
                "name": case.name,
                "attempts": round(case.attempts, 6),
                "total": _figure(result.total(index)),
                "hours": round(result.hours[index], 3),
                "steps": [
                    {"step": item.step, "name": item.name, **_figure(item.figures[index])}
                    for item in result.items
                ],
            }
            for index, case in enumerate(result.cases)
        ],
        "prices_as_of": {
            item.name: item.model.price.as_of.isoformat() for item in result.items if item.model
        },
        "hours_by_model": {
            name: [round(value, 3) for value in hours]
            for name, hours in result.hours_by_model.items()
        },
        "assumptions": list(result.assumptions),
        "lacks": list(result.lacks),
    }


def _figure(figure: "Figure") -> "dict[str, JsonValue]":
    return {
        "calls": round(figure.calls),
        "usual_usd": round(figure.usual_usd, 4),
        "most_usd": round(figure.most_usd, 4),
    }
