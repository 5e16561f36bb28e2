"""`ggt build`: a folder of photos becomes a workspace of pairs."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ggt.cli._output import AsJson, stage_progress

if TYPE_CHECKING:
    from ggt.settings.recipe import Recipe

InDoubt = Annotated[
    str,
    typer.Option(
        "--in-doubt", help="What to do about sends that may have been billed: hold or retry."
    ),
]


def build(
    photos: Annotated[
        Path, typer.Argument(help="Folder of photos; subfolders may name categories.")
    ],
    out: Annotated[Path, typer.Option("--out", help="The workspace to make or to continue.")],
    recipe: Annotated[Path | None, typer.Option("--recipe", help="TOML file of settings.")] = None,
    licence: Annotated[
        str | None,
        typer.Option("--licence", "--license", help="Licence of photos that state none."),
    ] = None,
    author: Annotated[str | None, typer.Option(help="Author of photos that state none.")] = None,
    source: Annotated[str | None, typer.Option(help="Source of photos that state none.")] = None,
    restorer: Annotated[
        str | None,
        typer.Option(help="Restorers or models, comma separated; instead of the recipe's lanes."),
    ] = None,
    prompt: Annotated[str, typer.Option(help="Prompt strategy of --restorer.")] = "fixed",
    vlm: Annotated[
        str | None, typer.Option(help="Who writes adaptive prompts, and judges under --judge vlm.")
    ] = None,
    samples: Annotated[int, typer.Option(help="Samples per restorer of --restorer.")] = 1,
    judge: Annotated[
        str | None,
        typer.Option(help="measured, or vlm: --vlm judges what measurements let through."),
    ] = None,
    votes: Annotated[
        int | None, typer.Option(help="How often the judging vlm is asked about one candidate.")
    ] = None,
    no_upload: Annotated[
        str | None,
        typer.Option(help="Photos that show any of these stay here: faces,text,people,nsfw."),
    ] = None,
    review: Annotated[
        str | None,
        typer.Option(help="Pairs of photos that show any of these need a person: faces,text,..."),
    ] = None,
    exclude_set: Annotated[
        list[Path] | None,
        typer.Option("--exclude-set", help="Folder of a test set to keep out, now and later."),
    ] = None,
    budget: Annotated[float | None, typer.Option(help="Hard stop in US dollars.")] = None,
    in_doubt: InDoubt = "",
    in_doubt_allowance: Annotated[
        float | None, typer.Option(help="Dollars that --in-doubt retry may pay twice.")
    ] = None,
    processes: Annotated[int | None, typer.Option(help="Processes for pixels.")] = None,
    reopen: Annotated[
        bool, typer.Option("--reopen", help="Let a changed recipe reopen stages.")
    ] = False,
    accept_drift: Annotated[
        bool,
        typer.Option("--accept-drift", help="Go on after drift: what a model does now is usual."),
    ] = False,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Try what failed once more.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Make pairs from photos; run it again to go on, whatever ended it.

    A second run with nothing new does nothing; Ctrl-C and kill -9 lose nothing. Ends with 0 when all is done or waits
    for people, 1 with failures listed, 3 stopped early and resumable.

    Example: ggt build photos/ --out my-dataset --licence CC-BY-4.0
    """
    from ggt.cli.status import print_status
    from ggt.settings.recipe import Recipe, load_recipe
    from ggt.stages.build import build as run_build
    from ggt.stages.prepare import BuildRequest
    from ggt.stages.status import exit_code, read_status
    from ggt.types import Photo

    resolved = load_recipe(recipe) if recipe else Recipe()
    resolved = with_lanes(resolved, restorer, prompt=prompt, vlm=vlm, samples=samples)
    resolved = with_judge(resolved, judge, vlm=vlm, votes=votes)
    resolved = _with_flags(resolved, no_upload, review)
    resolved = _with_budget(resolved, budget, in_doubt=in_doubt, allowance=in_doubt_allowance)
    request = BuildRequest(
        folder=photos,
        out=out,
        recipe=resolved,
        stated=Photo(path="", licence=licence, author=author, source=source),
        excluded=tuple(exclude_set or ()),
        num_processes=processes,
        reopen=reopen,
        retry_failed=retry_failed,
        accept_drift=accept_drift,
    )
    with stage_progress(quiet=as_json) as advance:
        stopped = run_build(request, advance=advance)
    status = read_status(out)
    print_status(status, as_json=as_json, stopped=str(stopped) if stopped else None)
    raise typer.Exit(exit_code(status, stopped))


def with_lanes(
    recipe: "Recipe", restorer: str | None, *, prompt: str, vlm: str | None, samples: int
) -> "Recipe":
    """Put the lanes that were named on the command line in place of the recipe's."""
    from ggt.settings.lanes import LaneSettings
    from ggt.stages.prompt import load_strategy

    if restorer is None:
        return recipe
    asks = load_strategy(prompt).question is not None
    lanes = tuple(
        LaneSettings(
            restorer=name.strip(), prompt=prompt, vlm=vlm if asks else None, samples=samples
        )
        for name in restorer.split(",")
    )
    return recipe.model_copy(update={"lanes": lanes})


def with_judge(
    recipe: "Recipe", judge: str | None, *, vlm: str | None, votes: int | None
) -> "Recipe":
    """Say who judges what measurements let through."""
    from ggt.errors import UsageError
    from ggt.settings.quality import JudgeSettings

    if judge is None and votes is None:
        return recipe
    if judge not in (None, "measured", "vlm"):
        raise UsageError(f"--judge {judge!r} is neither measured nor vlm")
    if judge == "vlm" and vlm is None:
        raise UsageError("--judge vlm needs --vlm: name who judges (`ggt models` lists them)")
    settings = recipe.quality.judge.model_dump()
    if judge is not None:
        settings["vlm"] = vlm if judge == "vlm" else None
    if votes is not None:
        settings["votes"] = votes
    chosen = JudgeSettings.model_validate(settings)
    quality = recipe.quality.model_copy(update={"judge": chosen})
    return recipe.model_copy(update={"quality": quality})


def _with_flags(recipe: "Recipe", no_upload: str | None, review: str | None) -> "Recipe":
    from ggt.answers import FLAGS
    from ggt.errors import UsageError
    from ggt.settings.flags import FlagSettings

    said = {"no_upload": no_upload, "review": review}
    changes = {
        name: tuple(word.strip() for word in value.split(",") if word.strip())
        for name, value in said.items()
        if value is not None
    }
    for name, words in changes.items():
        unknown = [word for word in words if word not in FLAGS]
        if unknown:
            option = name.replace("_", "-")
            raise UsageError(f"--{option} {unknown[0]!r} is none of {', '.join(FLAGS)}")
    flags = FlagSettings.model_validate(recipe.flags.model_dump() | changes)
    return recipe.model_copy(update={"flags": flags})


def _with_budget(
    recipe: "Recipe", usd: float | None, *, in_doubt: str, allowance: float | None
) -> "Recipe":
    from ggt.errors import UsageError
    from ggt.settings.lanes import BudgetSettings

    said = {"usd": usd, "in_doubt": in_doubt or None, "in_doubt_allowance_usd": allowance}
    if in_doubt not in ("", "hold", "retry"):
        raise UsageError(f"--in-doubt {in_doubt!r} is neither hold nor retry")
    changes = {name: value for name, value in said.items() if value is not None}
    budget = BudgetSettings.model_validate(recipe.budget.model_dump() | changes)
    return recipe.model_copy(update={"budget": budget})
