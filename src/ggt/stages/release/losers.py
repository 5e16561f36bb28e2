"""Losers: the candidates that a pair's target was preferred to, each cut like the pair and set beside it."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace

from ggt.errors import GgtError
from ggt.formats import Lost, Sample
from ggt.images import decode_image, encode_png
from ggt.stages.release.samples import (
    SIDE_MULTIPLE,
    ReadBlob,
    cut,
    make_row,
    moved,
    overlap,
)
from ggt.types import (
    NOT_GROUND_TRUTH,
    STAMP_KEY,
    Aspect,
    AspectVerdict,
    Box,
    Defect,
    Loser,
    Pair,
)

FIRST_PASSING = 3
"""The first level that passes: below it an aspect is lost even where the target's was not assessed."""


@dataclass(frozen=True, slots=True)
class Comparable:
    """A loser that can stand beside the pair, and the crop of the lq that all three pictures show."""

    loser: Loser
    box: Box


def comparable_losers(pair: Pair) -> list[Comparable]:
    """List the losers that a crop can be set beside the pair, none twice; of the others nothing is shown.

    Left out are another size or frame, and a corrected shift that leaves nothing of the pair's crop; the same file as
    the target's or as another loser's would say nothing new.
    """
    found: dict[str, Comparable] = {}
    for loser in pair.losers:
        box = _common(pair, loser)
        if box is not None and loser.blob != pair.hq_blob:
            found.setdefault(loser.blob, Comparable(loser, box))
    return list(found.values())


def num_unlike(pair: Pair) -> int:
    """Count the losers that no crop can be set beside the pair."""
    return sum(_common(pair, loser) is None for loser in pair.losers)


def _common(pair: Pair, loser: Loser) -> Box | None:
    """Return the crop of the lq that target and loser both show, sides multiples of 8."""
    shared = overlap(pair.assessment.box, loser.box) if loser.alike else None
    if shared is None or min(shared.width, shared.height) < SIDE_MULTIPLE:
        return None
    width, height = (side - side % SIDE_MULTIPLE for side in (shared.width, shared.height))
    return replace(shared, width=width, height=height)


def make_preferences(pair: Pair, read_blob: ReadBlob) -> Iterator[Sample]:
    """Yield the pair beside each of its comparable losers; one loser at a time is in memory.

    Raises:
        GgtError: a loser's box leaves its picture: a damaged workspace.
    """
    losers = comparable_losers(pair)
    if not losers:
        return
    lq = decode_image(read_blob(pair.lq_blob), name=f"lq of {pair.id}").image
    gt = decode_image(read_blob(pair.hq_blob), name=f"hq of {pair.id}").image
    for one in losers:
        loser, box = one.loser, one.box
        stamped = not (pair.ground_truth and loser.ground_truth)
        text = {STAMP_KEY: NOT_GROUND_TRUTH} if stamped else {}
        image = decode_image(read_blob(loser.blob), name=f"a candidate of {pair.id}").image
        if image.shape != lq.shape:
            raise GgtError(
                f"pair {pair.id}: a candidate of {image.shape[1]}x{image.shape[0]} was assessed as if it had the "
                f"size of its lq, {lq.shape[1]}x{lq.shape[0]}: build the workspace again"
            )
        sides = (
            cut(lq, box, pair.id),
            cut(gt, moved(box, pair.assessment.correction), pair.id),
            cut(image, moved(box, loser.correction), pair.id),
        )
        lq_png, gt_png, lost_png = (encode_png(side, text=text) for side in sides)
        row = replace(
            make_row(pair, lq_png, gt_png),
            width=box.width,
            height=box.height,
            stamp=NOT_GROUND_TRUTH if stamped else "",
        )
        yield Sample(row, lq_png, gt_png, _lost(pair, one, lost_png))


def _lost(pair: Pair, one: Comparable, png: bytes) -> Lost:
    loser = one.loser
    return Lost(
        id=loser.blob[:8],
        png=png,
        sha256=hashlib.sha256(png).hexdigest(),
        stage=loser.stage,
        aspects=tuple(lost_aspects(pair.assessment.aspects, loser)),
        levels={aspect.aspect: aspect.level for aspect in loser.aspects},
        marked=loser.marked,
        defects=tuple(_inside(loser.aspects, one.box)),
        restorer=loser.restorer,
        model=loser.model,
        version=loser.version,
        prompt_strategy=loser.prompt.strategy,
        prompt=loser.prompt.text,
        attempt=loser.attempt,
        sample=loser.sample,
        ground_truth=loser.ground_truth,
    )


def lost_aspects(chosen: tuple[AspectVerdict, ...], loser: Loser) -> Iterator[Aspect]:
    """Yield the aspects that people marked, those worse than the target's, and bad ones where it was not assessed."""
    levels = {aspect.aspect: aspect.level for aspect in chosen}
    for aspect in loser.aspects:
        bar = levels.get(aspect.aspect) or FIRST_PASSING
        worse = aspect.level is not None and aspect.level < bar
        if worse or aspect.aspect in loser.marked:
            yield aspect.aspect


def _inside(aspects: tuple[AspectVerdict, ...], box: Box) -> Iterator[Defect]:
    """Yield the defects with their places in the crop; those outside of it are left out."""
    for defect in (defect for aspect in aspects for defect in aspect.defects):
        if defect.box is None:
            yield defect
            continue
        seen = overlap(defect.box, box)
        if seen is not None:
            place = replace(seen, left=seen.left - box.left, top=seen.top - box.top)
            yield replace(defect, box=place)
