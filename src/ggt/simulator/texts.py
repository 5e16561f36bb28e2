"""What the simulated provider says: a description or a judgement from measurements, by the schema that is asked for."""

import re
from collections.abc import Sequence
from dataclasses import replace

from ggt import plugins
from ggt.answers import AspectAnswer, Description, Judgement, KeptAnswer, Region, SeenDefect
from ggt.images import decode_image
from ggt.settings.quality import AlignSettings, QualitySettings, ScreenSettings
from ggt.simulator.reading import defects_in, look
from ggt.simulator.wire import Asked, BadRequestError, Picture
from ggt.stages.assess import decide, evidence
from ggt.types import ASPECTS, Aspect, AspectVerdict, Assessment, Box, Defect, Image
from ggt.vlms import LocalVlm, Sight

_USUAL = QualitySettings(align=AlignSettings(min_side=64))
_NO_SCREEN = ScreenSettings(
    min_change=0.0, max_unnatural=1e6, max_noise=1e6, min_fidelity=0.0, max_flat_likeness=1.0
)
GENEROUS = QualitySettings(
    align=AlignSettings(
        aspect_tolerance=1.0, min_side=64, max_shift_px=1e6, max_affine_px=1e6, min_matched=0.0
    ),
    screen=_NO_SCREEN,
    screens={},
)
"""Bounds that let every candidate through to the measured judge: it is the judge that is asked."""
PLAIN = "This is the simulated provider of ggt: it describes an lq or judges a pair, by the schema asked for."
_ITEM = re.compile(r"^\d{1,2}\. .+$", re.MULTILINE)
_MOST_ITEMS, _LONGEST_ITEM = 12, 200
_PASSING = 3
_SEVERE = 0.66
_CLEAR = 0.33


def say(asked: Asked) -> str:
    """Answer in text.

    Raises:
        BadRequestError: a schema that needs pictures, without enough of them.
    """
    if asked.properties == frozenset(Description.model_fields):
        return describe(_read(_first(asked, 1)[0]), asked.prompt).model_dump_json()
    if asked.properties == frozenset(Judgement.model_fields):
        lq, candidate = (_read(picture) for picture in _first(asked, 2))
        return judge(lq, candidate, asked.prompt).model_dump_json()
    return PLAIN


def describe(lq: Image, question: str) -> Description:
    """Describe an lq as the vlm that only measures does; category and earlier defects are read from the question."""
    category, measured = look(lq, question)
    vlm = plugins.load("vlms", "measured", LocalVlm)
    return vlm.describe(Sight(lq, category, measured, defects_in(question)))


def judge(lq: Image, candidate: Image, question: str) -> Judgement:
    """Judge a pair by the measured judge: levels with reasons, and the defects that it sees."""
    category, _ = look(lq, question)
    measured = evidence(lq, candidate, category=category, quality=GENEROUS, correct=False)
    found = [decide(measured, category=category, quality=each) for each in (_USUAL, GENEROUS)]
    size = lq.shape[1], lq.shape[0]
    answers = {aspect: _aspect(_worse(found, aspect), size) for aspect in ASPECTS}
    kept = _kept(question, faithful=answers["object_consistency"].level >= _PASSING)
    return Judgement(kept=kept, **answers)


def _kept(question: str, *, faithful: bool) -> tuple[KeptAnswer, ...]:
    """Answer for each numbered item; measurements do not tell which object is missing."""
    return tuple(
        KeptAnswer(what=item[:_LONGEST_ITEM], kept="yes" if faithful else "cannot_tell")
        for item in _ITEM.findall(question)[:_MOST_ITEMS]
    )


def _worse(found: Sequence[Assessment], aspect: Aspect) -> AspectVerdict:
    """Join what the gates before a judge find with what the judge finds: whoever looks sees both."""
    said = [verdict for each in found for verdict in each.aspects if verdict.aspect == aspect]
    worst = min(said, key=lambda verdict: 6 if verdict.level is None else verdict.level)
    defects = {defect.kind: defect for verdict in said for defect in verdict.defects}
    return replace(worst, defects=tuple(defects.values()))


def _aspect(verdict: AspectVerdict, size: tuple[int, int]) -> AspectAnswer:
    found = sorted(verdict.defects, key=lambda defect: -defect.severity)[:6]
    if verdict.level is None:
        reason = "Nothing was measured of this aspect."
    elif found:
        reason = "; ".join(f"{defect.kind}: {defect.detail}" for defect in found)
    else:
        reason = "Nothing that the measurements notice."
    return AspectAnswer(
        reason=reason[:1200],
        defects=tuple(_defect(defect, size) for defect in found),
        level=verdict.level or 0,
        confidence=verdict.confidence,
    )


def _defect(defect: Defect, size: tuple[int, int]) -> SeenDefect:
    severity = defect.severity
    return SeenDefect(
        what=(defect.detail or defect.kind)[:200],
        kind=defect.kind[:40],
        where=None if defect.box is None else _region(defect.box, size),
        severity="gross" if severity >= _SEVERE else "clear" if severity >= _CLEAR else "slight",
    )


def _region(box: Box, size: tuple[int, int]) -> Region:
    """Turn pixels into thousandths of the sides."""
    width, height = size
    edges = (
        1000 * box.left / width,
        1000 * box.top / height,
        1000 * (box.left + box.width) / width,
        1000 * (box.top + box.height) / height,
    )
    left, top, right, bottom = (min(1000, max(0, round(edge))) for edge in edges)
    return Region(left=left, top=top, right=right, bottom=bottom)


def _first(asked: Asked, count: int) -> tuple[Picture, ...]:
    """Find the full-size pictures: they come first, crops afterwards."""
    if len(asked.pictures) < count:
        raise BadRequestError(f"This schema needs {count} pictures, {len(asked.pictures)} came.")
    return asked.pictures[:count]


def _read(picture: Picture) -> Image:
    return decode_image(picture.path.read_bytes()).image
