"""Run one lane to its end: prompt, restore, assess, record, until the table of consequences says stop."""

import hashlib
import json
import sqlite3
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter

from ggt import plugins
from ggt.engine.ask import Asker
from ggt.engine.crashpoints import crashpoint
from ggt.engine.pool import Pool
from ggt.engine.stop import Stop
from ggt.images import decode_image
from ggt.prompts import PromptStrategy
from ggt.providers import InDoubtError
from ggt.settings.quality import QualitySettings
from ggt.settings.recipe import Recipe
from ggt.stages.assess import assess
from ggt.stages.lane import Consequence, Tried, consequence
from ggt.stages.restore import CANDIDATE, Attempt, Candidate, restore
from ggt.store import calls, lanes, photos
from ggt.store.blobs import read_blob
from ggt.store.database import Database
from ggt.store.decisions import Decision, Decisions
from ggt.store.lanes import AttemptRow, LaneRow, Outcome
from ggt.types import ASPECTS, Aspect, Assessment, Category, Defect, LqRecord, Prompt

ASSESSMENT = TypeAdapter(Assessment)
PROMPT = TypeAdapter(Prompt)
LQ_RECORD = TypeAdapter(LqRecord)
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
    asker: Asker
    pool: Pool
    stop: Stop
    blobs: Path
    recipe: Recipe


async def run_lane(bench: Bench, lane_id: int) -> None:
    """Make attempts until the lane is done, doubtful or the run stops; each is recorded before the next begins."""
    lane = bench.database.read(lambda c: lanes.get_lane(c, lane_id))
    lq = bench.database.read(lambda c: photos.get_lq(c, lane.lq))
    tried = bench.database.read(lambda c: lanes.attempts_of(c, lane))
    refused = False
    while True:
        said = bench.decisions.about(lq.pixel_hash)
        state = after(tried, refused=refused, decisions=said, recipe=bench.recipe)
        if state != "ready":
            await _leave(bench, lane, state)
            return
        if bench.stop.requested:
            await _leave(bench, lane, "ready")
            return
        try:
            row = await _attempt(bench, lane, tried=tried, decisions=said)
        except InDoubtError as error:
            await _leave(bench, lane, "in_doubt", str(error))
            return
        refused = row is None
        tried = [*tried, row] if row else tried


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
    bench: Bench, lane: LaneRow, *, tried: list[AttemptRow], decisions: list[Decision]
) -> AttemptRow | None:
    """Make one attempt and record it; None when the restorer refused for good."""
    lq = bench.database.read(lambda c: _record(c, lane.lq))
    other = bench.database.read(lambda c: _another(c, lane.lq))
    number = len(tried) + 1
    attempt = Attempt(
        lane=lane,
        lq=lq,
        other=other,
        prompt=_prompt(lane.prompt, lq.category, tried, decisions),
        number=number,
        seed=_seed(bench.recipe.restore.seed, lq.pixel_hash, lane.sample, number),
    )
    answered = await restore(attempt, asker=bench.asker, pool=bench.pool, blobs=bench.blobs)
    if answered.answer is None:
        return None
    candidate = CANDIDATE.validate_json(answered.answer)
    quality = bench.recipe.quality.for_restorer(lane.restorer)
    assessment = await bench.pool.run(
        assess_blobs, lq, candidate, quality=quality, blobs=bench.blobs
    )
    row = AttemptRow(
        number=number,
        call=answered.key,
        prompt=PROMPT.dump_json(attempt.prompt).decode(),
        candidate=candidate.candidate,
        pixel_hash=candidate.pixel_hash,
        notes=json.dumps(candidate.notes, sort_keys=True),
        outcome=_OUTCOMES[assessment.verdict],
        stage=assessment.stage,
        assessment=ASSESSMENT.dump_json(assessment).decode(),
    )

    await bench.database.write(lambda c: lanes.record_attempt(c, lane, row))
    crashpoint("after_attempt")
    return row


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


def load_strategy(name: str) -> PromptStrategy:
    """Load a prompt strategy.

    Raises:
        UnknownPluginError: no such name.
    """
    return plugins.load("prompts", name, PromptStrategy)


def _prompt(
    strategy: str, category: Category, tried: list[AttemptRow], decisions: list[Decision]
) -> Prompt:
    writer = load_strategy(strategy)
    if not tried:
        return writer.write(category, ())
    measured = ASSESSMENT.validate_json(tried[-1].assessment).defects
    return writer.write(category, _said(tried, decisions) + measured)


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
