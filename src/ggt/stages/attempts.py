"""Run one lane to its end: prompt, restore, assess, record, until the table of consequences says stop."""

import hashlib
import json
import sqlite3
from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import TypeAdapter

from ggt.answers import Flag, MustKeep
from ggt.engine.crashpoints import crashpoint
from ggt.engine.stop import Stop
from ggt.images import decode_image
from ggt.prompts import PromptTask
from ggt.providers import InDoubtError
from ggt.settings.quality import QualitySettings
from ggt.settings.recipe import Recipe
from ggt.stages.assess import assess
from ggt.stages.drift import Probing
from ggt.stages.flags import Flagged, look
from ggt.stages.judge import Case, ask_judge
from ggt.stages.lane import Consequence, Tried, consequence
from ggt.stages.prompt import Wanted, Written, raised, write_prompt
from ggt.stages.restore import CANDIDATE, Attempt, Candidate, Workshop, restore
from ggt.store import calls, lanes, photos
from ggt.store.blobs import read_blob
from ggt.store.database import Database
from ggt.store.decisions import Decision, Decisions
from ggt.store.lanes import AttemptRow, LaneRow, Outcome
from ggt.types import ASPECTS, SIMULATED, Aspect, Assessment, Defect, LqRecord, Prompt

ASSESSMENT = TypeAdapter(Assessment)
PROMPT = TypeAdapter(Prompt)
LQ_RECORD = TypeAdapter(LqRecord)
KEPT_HERE = "not_uploaded"
"""Why a photo was set aside that the recipe's flags keep on this machine."""
FLAG_NOTE = "flags"
"""The note of an attempt that names the flags raised for its lq."""
JUDGE_NOTE = "judged_by"
"""The note of an attempt that names the vlm that judged it; a simulated one proves nothing and is not named."""
_OUTCOMES: dict[str, Outcome] = {
    "accept": "passed",
    "reject": "rejected",
    "unjudged": "unjudged",
}


@dataclass(frozen=True, slots=True)
class Bench:
    """What every lane of one build shares."""

    database: Database
    decisions: Decisions
    workshop: Workshop
    probing: Probing
    stop: Stop
    recipe: Recipe


async def run_lane(bench: Bench, lane_id: int) -> None:
    """Make attempts until the lane is done, doubtful or the run stops; each is recorded before the next begins."""
    lane = bench.database.read(lambda c: lanes.get_lane(c, lane_id))
    lq = bench.database.read(lambda c: photos.get_lq(c, lane.lq))
    tried = bench.database.read(lambda c: lanes.attempts_of(c, lane))
    crops = bench.database.read(lambda c: photos.lqs_of(c, lq.photo))
    own_first = sorted(crops, key=lambda row: row.id != lq.id)
    whole = [LQ_RECORD.validate_json(row.record) for row in own_first]
    flagged, refusal = Flagged(), ""
    while True:
        photo = bench.database.read(lambda c: photos.get_photo(c, lq.photo))
        if photo.state != "ingested":  # set aside meanwhile, by another of its lanes
            await _leave(bench, lane, "ready")
            return
        said = bench.decisions.about(lq.pixel_hash)
        state = after(tried, refused=bool(refusal), decisions=said, recipe=bench.recipe)
        if state != "ready":
            await _leave(bench, lane, state, refusal or None)
            return
        if bench.stop.requested:
            await _leave(bench, lane, "ready")
            return
        try:
            flagged = await look(bench.workshop, bench.recipe, lane, whole)
            if flagged.kept_here:
                await _keep_here(bench, lane, lq.photo, flagged.kept_here)
                return
            row = await _attempt(bench, lane, flagged, tried=tried, decisions=said)
            await bench.probing.probe_if_due(lane.restorer)
        except InDoubtError as error:
            await _leave(bench, lane, "in_doubt", str(error))
            return
        if isinstance(row, str):
            refusal = row
        else:
            tried = [*tried, row]


async def _keep_here(bench: Bench, lane: LaneRow, photo: int, why: str) -> None:
    """Set a photo aside that may not leave this machine, with all its lanes."""

    def write(connection: sqlite3.Connection) -> None:
        lanes.set_state(connection, lane.id, "ready")
        photos.photo_ended(connection, photo, state="set_aside", reason=KEPT_HERE, detail=why)

    await bench.database.write(write)


def after(
    tried: list[AttemptRow], *, refused: bool, decisions: list[Decision], recipe: Recipe
) -> Consequence:
    """Apply the table of consequences to a lane's rows."""
    return consequence(
        [Tried(row.pixel_hash, row.outcome) for row in tried],
        refused=refused,
        decisions=decisions,
        max_attempts=recipe.restore.max_attempts,
    )


async def _leave(
    bench: Bench, lane: LaneRow, state: lanes.LaneState, detail: str | None = None
) -> None:
    await bench.database.write(lambda c: lanes.set_state(c, lane.id, state, detail))


async def _attempt(
    bench: Bench,
    lane: LaneRow,
    flagged: Flagged,
    *,
    tried: list[AttemptRow],
    decisions: list[Decision],
) -> AttemptRow | str:
    """Make one attempt and record it; or say why the restorer, or the vlm that writes its prompt, refused for good."""
    lq = bench.database.read(lambda c: _record(c, lane.lq))
    other = bench.database.read(lambda c: _another(c, lane.lq))
    number = len(tried) + 1
    wanted = Wanted(lq, _prompt_task(lq, tried, decisions), lane.id, number)
    written = await write_prompt(lane.prompt, wanted, bench.workshop)
    if written is None:
        return "the vlm wrote no prompt"
    attempt = Attempt(
        lane=lane,
        lq=lq,
        other=other,
        prompt=written.prompt,
        number=number,
        seed=_seed(bench.recipe.restore.seed, lq.pixel_hash, lane.sample, number),
    )
    answered = await restore(attempt, bench.workshop)
    if answered.answer is None:
        return f"the restorer refused: {answered.detail}"
    candidate = CANDIDATE.validate_json(answered.answer)
    assessment = await _assess(bench, attempt, candidate, flagged.must_keep or _kept(written))
    flags = (*flagged.flags, *raised(written.description))
    row = AttemptRow(
        number=number,
        call=answered.key,
        prompt=PROMPT.dump_json(attempt.prompt).decode(),
        candidate=candidate.candidate,
        pixel_hash=candidate.pixel_hash,
        notes=json.dumps(candidate.notes | _noted(flags, assessment), sort_keys=True),
        outcome=_OUTCOMES[assessment.verdict],
        stage=assessment.stage,
        assessment=ASSESSMENT.dump_json(assessment).decode(),
    )

    await bench.database.write(lambda c: lanes.record_attempt(c, lane, row))
    crashpoint("after_attempt")
    return row


def _kept(written: Written) -> tuple[MustKeep, ...]:
    return () if written.description is None else written.description.must_keep


def _noted(flags: Collection[Flag], assessment: Assessment) -> dict[str, str | float]:
    """Note what says how much a pass is worth: whoever reads histories never parses assessments."""
    noted: dict[str, str | float] = {}
    if flags:
        noted[FLAG_NOTE] = ",".join(sorted({*flags}))
    judged_by = assessment.judged_by
    if judged_by is not None and not any(v.startswith(SIMULATED) for v in judged_by.versions):
        noted[JUDGE_NOTE] = judged_by.model
    return noted


async def _assess(
    bench: Bench, attempt: Attempt, candidate: Candidate, must_keep: tuple[MustKeep, ...]
) -> Assessment:
    """Measure a candidate, and let the recipe's vlm judge what measurements let through."""
    quality = bench.recipe.quality.for_restorer(attempt.lane.restorer)
    workshop = bench.workshop
    assessment = await workshop.pool.run(
        assess_blobs, attempt.lq, candidate, quality=quality, blobs=workshop.blobs
    )
    if quality.judge.vlm is None or assessment.verdict == "reject":
        return assessment
    case = Case(attempt.lq, candidate, assessment, must_keep, attempt.number, attempt.lane.sample)
    judged = await ask_judge(case, settings=quality.judge, workshop=workshop, lane=attempt.lane.id)
    await bench.probing.probe_if_due(quality.judge.vlm)
    return judged


async def record_failure(bench: Bench, lane_id: int, error: Exception) -> None:
    """Keep what went wrong on the lane itself; the rest of the build goes on."""
    detail = f"{type(error).__name__}: {error}"

    def write(connection: sqlite3.Connection) -> None:
        lanes.set_state(connection, lane_id, "failed", detail)
        calls.log(connection, "lane_failed", str(lane_id), detail)

    await bench.database.write(write)


def assess_blobs(
    lq: LqRecord, candidate: Candidate, *, quality: QualitySettings, blobs: Path
) -> Assessment:
    """Assess a stored candidate against its stored lq; a pool job."""
    return assess(
        decode_image(read_blob(blobs, lq.blob)).image,
        decode_image(read_blob(blobs, candidate.candidate)).image,
        category=lq.category,
        quality=quality,
        correct=True,
    )


def _prompt_task(lq: LqRecord, tried: list[AttemptRow], decisions: list[Decision]) -> PromptTask:
    task = PromptTask(lq.category, lq.measurements)
    if not tried:
        return task
    measured = ASSESSMENT.validate_json(tried[-1].assessment).defects
    previous = PROMPT.validate_json(tried[-1].prompt).text
    return replace(task, defects=_said(tried, decisions) + measured, previous=previous)


def _said(tried: list[AttemptRow], decisions: list[Decision]) -> tuple[Defect, ...]:
    """Gather why people sent candidates of the lane back, the latest first; it holds for every later attempt."""
    last = {decision.candidate: decision for decision in decisions}
    standing = [last[row.pixel_hash] for row in tried if row.pixel_hash in last]
    sent_back = [d for d in reversed(decisions) if d in standing and d.choice == "regenerate"]
    return tuple(defect for decision in sent_back for defect in _defects_of(decision))


def _defects_of(decision: Decision) -> list[Defect]:
    """Turn a person's reasons into defects: gravest of all, since a person saw them."""
    found: list[Defect] = []
    for reason in decision.reasons:
        aspect: Aspect = "restoration_quality"
        for name in ASPECTS:
            aspect = name if reason == name else aspect
        detail = decision.note or f"a reviewer marked {reason}"
        found.append(Defect(aspect, reason, 1.0, detail, decision.region))
    if not found and (decision.note or decision.region):
        detail = decision.note or "a reviewer marked this place"
        found.append(Defect("restoration_quality", "marked", 1.0, detail, decision.region))
    return found


def _record(connection: sqlite3.Connection, lq: int) -> LqRecord:
    return LQ_RECORD.validate_json(photos.get_lq(connection, lq).record)


def _another(connection: sqlite3.Connection, lq: int) -> LqRecord:
    """Pick the next photo's lq, the first after the last: the same one whatever crashed in between."""
    rows = photos.find_lqs(connection, after=lq, limit=1) or photos.find_lqs(connection, limit=1)
    return LQ_RECORD.validate_json(rows[0].record)


def _seed(*parts: object) -> int:
    digest = hashlib.sha256("|".join(str(part) for part in parts).encode()).digest()
    return int.from_bytes(digest[:6])
