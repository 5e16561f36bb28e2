"""Judge: aspects from measurements or from a vlm, the verdict from our own rule, and the trust map."""

import asyncio
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ggt import plugins
from ggt.answers import Judgement, MustKeep, Region
from ggt.engine.ask import Question
from ggt.images import decode_image, encode_png, pixel_hash
from ggt.judges import AskingJudge, Judge, JudgeTask
from ggt.measure.evidence import Cells, Evidence
from ggt.settings.quality import JudgeSettings
from ggt.stages.restore import Candidate, Workshop
from ggt.stages.services import (
    Asked,
    answer_request,
    answer_service,
    asking_parameters,
    load_vlm,
)
from ggt.store.blobs import blob_path, read_blob, write_blob
from ggt.types import (
    TRUST_CELLS,
    AspectVerdict,
    Assessment,
    Box,
    Category,
    Defect,
    Image,
    JudgedBy,
    LqRecord,
    TrustMap,
    Verdict,
)
from ggt.vlms import LocalVlm

_HALF_TRUSTED = 3.0
"""A mismatch (in units of what noise and texture excuse) of which nine in ten are faults; ours."""
_SLOPE = 0.8


def measured_aspects(
    evidence: Evidence, category: Category, *, settings: JudgeSettings
) -> tuple[AspectVerdict, ...]:
    """Ask the judge that needs no model."""
    judge = plugins.load("judges", "measured", Judge)
    return judge.judge(evidence, category, settings.strictness)


def verdict(aspects: Sequence[AspectVerdict], *, min_level: int) -> Verdict:
    """Accept when every assessed aspect reaches the level; `unjudged` when none was assessed."""
    levels = [aspect.level for aspect in aspects if aspect.level is not None]
    if not levels:
        return "unjudged"
    return "accept" if min(levels) >= min_level else "reject"


def trust_map(mismatch: Cells) -> TrustMap:
    """Turn mismatches into trust, 0 to 1."""
    return tuple(
        tuple(round(1 / (1 + math.exp(min(50.0, (m - _HALF_TRUSTED) / _SLOPE))), 3) for m in row)
        for row in mismatch
    )


@dataclass(frozen=True, slots=True)
class Case:
    """One candidate that a vlm is asked about, and which asking it is; `must_keep` is relative to the whole lq."""

    lq: LqRecord
    candidate: Candidate
    assessment: Assessment
    must_keep: tuple[MustKeep, ...]
    attempt: int
    sample: int
    epoch: int = 0
    """Sentinels ask the same again and again: each round is a question of its own."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What a vlm is sent: texts, and pictures as blobs (name, pixel hash), in their order."""

    content: tuple[str | tuple[str, str], ...]


async def ask_judge(
    case: Case, *, settings: JudgeSettings, workshop: Workshop, lane: int | None
) -> Assessment:
    """Let a vlm judge what measurements let through; its votes become the aspects, our rule the verdict.

    Fewer readable votes than half make it `unjudged`, with the measured aspects.

    Raises:
        InDoubtError, StopRunError: as `ask` does.
    """
    assert settings.vlm is not None, "asked only where the recipe names a vlm"
    judge = plugins.load("judges", settings.asking, AskingJudge)
    shown = await workshop.pool.run(show_pair, settings.asking, case, workshop.blobs)
    asked = await asyncio.gather(
        *(
            _vote(shown, number, case, settings=settings, workshop=workshop, lane=lane)
            for number in range(settings.votes)
        ),
        return_exceptions=True,  # whatever ends one vote, the others may be paid: they are waited for
    )
    votes = [_or_raise(vote) for vote in asked]
    readable = [judgement for judgement, _ in votes if judgement is not None]
    judged_by = JudgedBy(
        judge=settings.asking,
        model=settings.vlm,
        versions=tuple(sorted({version for _, version in votes if version})),
        prompt_version=judge.version,
        num_votes=settings.votes,
        num_unreadable=settings.votes - len(readable),
        flip_rate=0.0,
    )
    if 2 * len(readable) < settings.votes or not readable:
        unread = f"unjudged: {judged_by.num_unreadable} of {settings.votes} answers were unreadable"
        return replace(case.assessment, verdict="unjudged", reasons=(unread,), judged_by=judged_by)
    opinion = judge.opinion(readable, case.assessment.box, settings.min_level)
    said = verdict(opinion.aspects, min_level=settings.min_level)
    return replace(
        case.assessment,
        verdict=said,
        stage="judge" if said == "reject" else None,
        aspects=opinion.aspects,
        reasons=_reasons(opinion.aspects),
        trust_map=lowered_at(case.assessment, opinion.aspects),
        judged_by=replace(judged_by, flip_rate=opinion.flip_rate),
    )


def _or_raise(vote: "tuple[Judgement | None, str] | BaseException") -> tuple[Judgement | None, str]:
    if isinstance(vote, BaseException):
        raise vote
    return vote


async def _vote(
    shown: Shown,
    number: int,
    case: Case,
    *,
    settings: JudgeSettings,
    workshop: Workshop,
    lane: int | None,
) -> tuple[Judgement | None, str]:
    """Ask once; None when the vlm refused or gave nothing readable, its resends used up."""
    assert settings.vlm is not None
    model = load_vlm(settings.vlm)
    assert not isinstance(model, LocalVlm), "found before the build began"
    judge = plugins.load("judges", settings.asking, AskingJudge)
    content = tuple(
        part if isinstance(part, str) else blob_path(workshop.blobs, part[0])
        for part in shown.content
    )
    question = Question(
        stage="judge",
        provider=model.provider,
        model=model.id,
        prompt="\n".join(part for part in shown.content if isinstance(part, str)),
        inputs=tuple(part[1] for part in shown.content if not isinstance(part, str)),
        parameters=asking_parameters(model, version=judge.version) | {"round": case.epoch},
        attempt=case.attempt,
        sample=case.sample,
        vote=number,
    )
    asked = Asked(settings.vlm, model, workshop.clients)
    service = answer_service(asked, answer_request(content, Judgement), kind=Judgement)
    answered = await workshop.asker.ask(question, service, lane=lane)
    if answered.answer is None:
        return None, answered.version
    return Judgement.model_validate_json(answered.answer), answered.version


def show_pair(judge_name: str, case: Case, blobs: Path) -> Shown:
    """Cut both sides alike and let the judge lay out what the vlm sees; a pool job."""
    judge = plugins.load("judges", judge_name, AskingJudge)
    box = case.assessment.box
    right, down = case.assessment.correction
    lq = decode_image(read_blob(blobs, case.lq.blob)).image
    candidate = decode_image(read_blob(blobs, case.candidate.candidate)).image
    task = JudgeTask(
        lq=_cut(lq, box),
        candidate=_cut(candidate, replace(box, left=box.left + right, top=box.top + down)),
        category=case.lq.category,
        must_keep=_inside(case.must_keep, box, width=lq.shape[1], height=lq.shape[0]),
    )
    return Shown(
        tuple(
            part
            if isinstance(part, str)
            else (write_blob(blobs, encode_png(part)), pixel_hash(part))
            for part in judge.content(task)
        )
    )


def _cut(image: Image, box: Box) -> Image:
    return image[box.top : box.top + box.height, box.left : box.left + box.width].copy()


def _inside(
    items: Sequence[MustKeep], box: Box, *, width: int, height: int
) -> tuple[MustKeep, ...]:
    """Give regions of the whole lq in thousandths of the box; what lies outside it is left out."""
    found: list[MustKeep] = []
    for item in items:
        where = item.where
        left, right = (
            (x * width / 1000 - box.left) * 1000 / box.width for x in (where.left, where.right)
        )
        top, bottom = (
            (y * height / 1000 - box.top) * 1000 / box.height for y in (where.top, where.bottom)
        )
        sides = [round(min(1000.0, max(0.0, side))) for side in (left, top, right, bottom)]
        if sides[0] < sides[2] and sides[1] < sides[3]:
            region = Region(left=sides[0], top=sides[1], right=sides[2], bottom=sides[3])
            found.append(MustKeep(what=item.what, where=region))
    return tuple(found)


def _reasons(aspects: Sequence[AspectVerdict]) -> tuple[str, ...]:
    """Say what was found, gravest first, and which low levels stand without a located defect."""
    defects = sorted((d for a in aspects for d in a.defects), key=lambda d: -d.severity)
    told = [f"{defect.kind}: {defect.detail}" for defect in defects]
    told += [
        f"{aspect.aspect}: level {aspect.level}"
        for aspect in aspects
        if aspect.level is not None and aspect.level < 3 and not aspect.defects
    ]
    return tuple(told)


def lowered_at(assessment: Assessment, aspects: Sequence[AspectVerdict]) -> TrustMap | None:
    """Trust less where a judge saw a fault: by its severity, for as sure as the judge was."""
    trust = assessment.trust_map
    if trust is None:
        return None
    rows = [list(row) for row in trust]
    for aspect in aspects:
        for defect in aspect.defects:
            _lower(rows, defect, assessment.box, aspect.confidence)
    return tuple(tuple(round(value, 3) for value in row) for row in rows)


def _lower(rows: list[list[float]], defect: Defect, within: Box, confidence: float) -> None:
    box = defect.box
    if box is None:
        return
    width, height = within.width / TRUST_CELLS, within.height / TRUST_CELLS
    for row in range(TRUST_CELLS):
        for column in range(TRUST_CELLS):
            left, top = within.left + column * width, within.top + row * height
            apart = left >= box.left + box.width or left + width <= box.left
            apart = apart or top >= box.top + box.height or top + height <= box.top
            if not apart:
                rows[row][column] *= 1 - defect.severity * confidence
