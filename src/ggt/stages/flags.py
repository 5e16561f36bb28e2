"""Flags: what a photo shows, and whether that keeps it on this machine; looked at before anything is sent."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ggt.answers import Flag, MustKeep
from ggt.errors import UsageError
from ggt.prompts import PromptTask
from ggt.settings.lanes import split_prompt_name
from ggt.settings.recipe import Recipe
from ggt.stages.prompt import DESCRIBES, Wanted, describe, load_strategy, raised
from ggt.stages.restore import Workshop
from ggt.stages.services import leaves_machine, load_vlm
from ggt.store.lanes import LaneRow
from ggt.types import LqRecord
from ggt.vlms import LocalVlm


@dataclass(frozen=True, slots=True)
class Flagged:
    """What was seen of an lq; `kept_here` says why it must not be sent, empty when it may."""

    flags: tuple[Flag, ...] = ()
    must_keep: tuple[MustKeep, ...] = ()
    kept_here: str = ""


async def look(
    workshop: Workshop, recipe: Recipe, lane: LaneRow, lqs: Sequence[LqRecord]
) -> Flagged:
    """Raise the flags that the recipe cares for; nothing is asked when it cares for none.

    `lqs` are all crops of the photo, the lane's own first: what one shows keeps all of them here. A photo of which
    nothing can be told stays here where the recipe forbids any upload: unknown is not harmless.
    """
    settings = recipe.flags
    if not settings.no_upload and not settings.review:
        return Flagged()
    own, *others = [await _look_at(workshop, recipe, lane, lq) for lq in lqs]
    barred = next((seen.kept_here for seen in (own, *others) if seen.kept_here), "")
    return replace(own, kept_here=barred)


async def _look_at(workshop: Workshop, recipe: Recipe, lane: LaneRow, lq: LqRecord) -> Flagged:
    settings = recipe.flags
    wanted = Wanted(lq, PromptTask(lq.category, lq.measurements), lane.id)
    description = await describe(settings.vlm, wanted, load_strategy(DESCRIBES), workshop)
    sent = settings.no_upload and _is_sent(recipe, lane)
    if description is None:
        why = f"{settings.vlm} could not tell what it shows" if sent else ""
        return Flagged(flags=settings.review, kept_here=why)
    flags = raised(description)
    barred = [flag for flag in settings.no_upload if flag in flags] if sent else []
    why = f"{settings.vlm} sees {', '.join(barred)}: kept here by flags.no_upload" if barred else ""
    return Flagged(flags, description.must_keep, why)


def _is_sent(recipe: Recipe, lane: LaneRow) -> bool:
    """Say whether this lane sends its photo to anybody."""
    _, vlm = split_prompt_name(lane.prompt)
    names = (lane.restorer, vlm, recipe.quality.judge.vlm)
    return any(leaves_machine(name) for name in names if name is not None)


def check_flags(recipe: Recipe) -> None:
    """Find flags that whoever looks cannot raise, or a look that would itself be an upload.

    Raises:
        UsageError: the message names the flag and what to do.
    """
    settings = recipe.flags
    wanted = (*settings.no_upload, *settings.review)
    if not wanted:
        return
    vlm = load_vlm(settings.vlm)
    if settings.no_upload and leaves_machine(settings.vlm):
        raise UsageError(
            f"flags.vlm = {settings.vlm!r} would itself send every photo away, and flags.no_upload forbids that "
            f"for {', '.join(settings.no_upload)}: name a vlm that runs on this machine"
        )
    if isinstance(vlm, LocalVlm):
        blind = [flag for flag in wanted if flag not in vlm.sees]
        if blind:
            raise UsageError(
                f"{settings.vlm!r} cannot see {blind[0]!r} (it sees {', '.join(sorted(vlm.sees))}): set flags.vlm to "
                "a vlm behind a server on this machine, or leave that flag out"
            )
