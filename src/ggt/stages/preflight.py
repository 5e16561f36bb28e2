"""Preflight: whatever would stop a build after money was spent, found before the first send."""

from datetime import date

from ggt import plugins
from ggt.errors import UsageError
from ggt.judges import AskingJudge
from ggt.models import find_model, models, user_file
from ggt.settings.lanes import LaneSettings
from ggt.settings.recipe import Recipe
from ggt.stages.catalogue import lacks
from ggt.stages.flags import check_flags
from ggt.stages.prompt import load_strategy
from ggt.stages.services import load_restorer, load_vlm
from ggt.vlms import LocalVlm


def check_services(recipe: Recipe, today: date | None = None) -> None:
    """Check every name of a recipe, and that whoever it names can be asked today.

    Raises:
        UnknownPluginError: no such restorer, prompt strategy, vlm or judge.
        UsageError: a vlm that is missing or cannot do what it is named for; a retired model; a missing key, extra or
            weight; flags that nobody can raise. The message holds the remedy.
    """
    _check_aliases()
    for lane in recipe.lanes:
        load_restorer(lane.restorer)
        _check_prompt(lane)
    _check_judge(recipe)
    check_flags(recipe)
    for name in sorted(recipe.limits):
        if find_model(name) is None:
            raise UsageError(f"[limits.{name}] names no model: `ggt models` lists them")
    missing = [
        f"{name}: {what}"
        for name in sorted(recipe.model_names())
        for what in _lacks(name, today or date.today())
    ]
    if missing:
        raise UsageError("nothing was sent. " + "; ".join(missing))


def _check_aliases() -> None:
    """Names are unique over files and models: an alias that is also a file would never be asked."""
    files = {*plugins.names("restorers"), *plugins.names("vlms")}
    for alias in models():
        if alias in files:
            raise UsageError(
                f"model {alias!r} ({str(user_file())!r}) has the name of a file of ggt: rename it"
            )


def _lacks(name: str, today: date) -> list[str]:
    model = find_model(name)
    return [] if model is None else lacks(model, today)


def _check_prompt(lane: LaneSettings) -> None:
    asks = load_strategy(lane.prompt).question is not None
    if asks and lane.vlm is None:
        raise UsageError(
            f"prompt strategy {lane.prompt!r} asks a vlm: name one with --vlm (`ggt models` lists them; 'measured' "
            "needs no model)"
        )
    if lane.vlm is not None:
        load_vlm(lane.vlm)
        if not asks:
            raise UsageError(
                f"prompt strategy {lane.prompt!r} asks no vlm, and the lane names {lane.vlm!r}: leave it out"
            )


def _check_judge(recipe: Recipe) -> None:
    settings = recipe.quality.judge
    if settings.vlm is None:
        return
    plugins.load("judges", settings.asking, AskingJudge)
    if isinstance(load_vlm(settings.vlm), LocalVlm):
        raise UsageError(
            f"quality.judge.vlm = {settings.vlm!r} measures and cannot judge: name a vlm of `ggt models`, or leave it "
            "out to judge by measurements"
        )
