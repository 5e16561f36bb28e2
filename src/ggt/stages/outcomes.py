"""What a workspace holds now: the fate of every photo, the pairs, the rejected candidates.

Nothing of this is stored: it follows from the ledger and from people's decisions, so a decision counts at once.
"""

import sqlite3
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from pydantic import TypeAdapter

from ggt.settings.recipe import Recipe
from ggt.stages.attempts import ASSESSMENT, FLAG_NOTE, JUDGE_NOTE, LQ_RECORD, PROMPT
from ggt.stages.collect import PHOTO
from ggt.stages.lane import Tried, accepted_candidate
from ggt.stages.restore import makes_ground_truth
from ggt.stages.select import Passing, select
from ggt.stages.services import load_restorer
from ggt.store import calls, lanes, photos
from ggt.store.decisions import Decision
from ggt.store.histories import LaneHistory, LqHistory, TriedOnce, each_history
from ggt.store.lanes import AttemptRow, LaneRow
from ggt.store.photos import LqRow, PhotoRow
from ggt.store.workspace import Reading
from ggt.types import (
    ASSURANCES,
    STAMP_KEY,
    Assurance,
    Category,
    Fate,
    Loser,
    LqRecord,
    Pair,
    Rejected,
    Rival,
)

_NOTES = TypeAdapter(dict[str, str | float])
_MICRO = calls.MICRO


@dataclass(frozen=True, slots=True)
class _Lane:
    row: LaneRow
    attempts: list[AttemptRow]


@dataclass(frozen=True, slots=True)
class _Lq:
    """One lq with all that was tried for it and decided about it."""

    row: LqRow
    photo: PhotoRow
    lanes: list[_Lane]
    decisions: list[Decision]

    @property
    def record(self) -> LqRecord:
        return LQ_RECORD.validate_json(self.row.record)


def fates(reading: Reading) -> Iterator[Fate]:
    """Yield one fate for each lq, and one for each photo that gave none: every photo is accounted for."""
    recipe = reading.recipe
    for state in ("failed", "set_aside"):
        for photo in photos.find_photos(reading.ledger, state):
            yield Fate(state, photo.reason or "")
    for state in ("found", "measured"):
        for _ in photos.find_photos(reading.ledger, state):
            yield Fate("waiting", "not ingested yet")
    for lq in each_history(reading.ledger):
        yield _fate(lq, reading.decisions.about(lq.pixel_hash), recipe)


def pairs(reading: Reading, among: Collection[str] | None = None) -> Iterator[Pair]:
    """Yield the pairs with at least the assurance that the recipe asks for, sorted by id, one at a time in memory.

    `among` are the ids of those that are wanted; None is all of them.
    """
    recipe = reading.recipe
    for lq in _lqs(reading, among):
        pair = _pair(reading.ledger, lq, recipe)
        if pair is not None and _suffices(pair.assurance, recipe):
            yield pair


@dataclass(frozen=True, slots=True)
class Won:
    """An accepted pair as far as the money is concerned: which restorer made it, at which attempt."""

    category: Category
    restorer: str
    attempt: int


def accepted(reading: Reading) -> Iterator[Won]:
    """Yield what `pairs` yields, without its pixels' measurements where only one lane has passed."""
    recipe = reading.recipe
    for history in each_history(reading.ledger):
        decisions = reading.decisions.about(history.pixel_hash)
        if _fate(history, decisions, recipe).stage != "pair":
            continue
        passed = [
            (lane.restorer, index + 1) for lane, index, _ in _accepted_lanes(history, decisions)
        ]
        if len(passed) > 1:
            row = photos.lq_by_pixels(reading.ledger, history.pixel_hash)
            assert row is not None
            best = select(_passing(_lq(reading, row)))
            passed = [] if best is None else [(best.lane.restorer, best.attempt.number)]
        for restorer, attempt in passed:
            yield Won(history.category, restorer, attempt)


def rejected(reading: Reading) -> Iterator[Rejected]:
    """Yield every candidate that quality control or a person turned down."""
    for lq in _lqs(reading):
        for lane, attempt in _turned_down(lq):
            yield _rejected(reading.ledger, lq, lane, attempt)


def _turned_down(lq: _Lq) -> Iterator[tuple[_Lane, AttemptRow]]:
    said = {decision.candidate: decision.choice for decision in lq.decisions}
    for lane in lq.lanes:
        for attempt in lane.attempts:
            if said.get(attempt.pixel_hash, attempt.outcome) in ("rejected", "reject"):
                yield lane, attempt


@dataclass(frozen=True, slots=True)
class ForPeople:
    """A candidate that waits for a person: pixel hashes to decide about, blobs to look at."""

    photo: str
    lq: str
    candidate: str
    lq_blob: str
    candidate_blob: str


def for_people(reading: Reading) -> Iterator[ForPeople]:
    """Yield every candidate whose photo stands at review and that nobody decided about."""
    recipe = reading.recipe
    for history in each_history(reading.ledger):
        said = reading.decisions.about(history.pixel_hash)
        if _fate(history, said, recipe).stage == "review":
            row = photos.lq_by_pixels(reading.ledger, history.pixel_hash)
            assert row is not None
            yield from _undecided(_lq(reading, row))


def _undecided(lq: _Lq) -> Iterator[ForPeople]:
    said = {decision.candidate for decision in lq.decisions}
    for lane in lq.lanes:
        for attempt in lane.attempts[-1:]:
            if attempt.outcome != "rejected" and attempt.pixel_hash not in said:
                yield _shown(lq, attempt)


def _shown(lq: _Lq, attempt: AttemptRow) -> ForPeople:
    return ForPeople(
        photo=lq.photo.path,
        lq=lq.row.pixel_hash,
        candidate=attempt.pixel_hash,
        lq_blob=lq.record.blob,
        candidate_blob=attempt.candidate,
    )


def pair_for_people(reading: Reading, pixel_hash: str) -> ForPeople | None:
    """Show the candidate that an lq's pair is made of; None when it has none."""
    row = photos.lq_by_pixels(reading.ledger, pixel_hash)
    assert row is not None
    lq = _lq(reading, row)
    best = select(_passing(lq))
    return None if best is None else _shown(lq, best.attempt)


def _lqs(reading: Reading, among: Collection[str] | None = None) -> Iterator[_Lq]:
    for row in photos.each_lq(reading.ledger):
        if among is None or identity(row.pixel_hash) in among:
            yield _lq(reading, row)


def _lq(reading: Reading, row: LqRow) -> _Lq:
    ledger = reading.ledger
    return _Lq(
        row=row,
        photo=photos.get_photo(ledger, row.photo),
        lanes=[
            _Lane(lane, lanes.attempts_of(ledger, lane)) for lane in lanes.lanes_of(ledger, row.id)
        ],
        decisions=reading.decisions.about(row.pixel_hash),
    )


def identity(pixel_hash: str) -> str:
    """Name a pair after its lq: stable as a dataset grows, and in the order of the pixel hashes."""
    return pixel_hash[:16]


def _tried(lane: _Lane | LaneHistory) -> list[Tried]:
    return [Tried(row.pixel_hash, row.outcome) for row in lane.attempts]


def _passing(lq: _Lq) -> list[Passing]:
    found: list[Passing] = []
    for lane in lq.lanes:
        accepted = accepted_candidate(_tried(lane), decisions=lq.decisions)
        if accepted is None:
            continue
        attempt = lane.attempts[accepted[0]]
        assessment = ASSESSMENT.validate_json(attempt.assessment)
        found.append(Passing(lane.row, attempt, assessment, by_person=accepted[1]))
    return found


def _pair(ledger: sqlite3.Connection, lq: _Lq, recipe: Recipe) -> Pair | None:
    passing = _passing(lq)
    best = select(passing)
    passed = [candidate.attempt for candidate in passing]
    if best is None or _needs_person(passed, recipe, by_person=best.by_person):
        return None
    record, attempt = lq.record, best.attempt
    call = calls.find_call(ledger, attempt.call)
    assert call is not None
    reviewers = [d.reviewer for d in lq.decisions if d.candidate == attempt.pixel_hash]
    return Pair(
        id=identity(lq.row.pixel_hash),
        photo=PHOTO.validate_json(lq.photo.stated),
        category=lq.row.category,
        measurements=record.measurements,
        scale=record.scale,
        lq_blob=record.blob,
        hq_blob=attempt.candidate,
        truth_blob=record.truth_blob,
        assessment=best.assessment,
        assurance=_assurance([attempt], by_person=best.by_person),
        group=lq.row.group,
        restorer=best.lane.restorer,
        model=call.model,
        version=call.version or call.model,
        prompt=PROMPT.validate_json(attempt.prompt),
        attempt=attempt.number,
        sample=best.lane.sample,
        cost_usd=sum(s.cost_micro for s in calls.sends_of(ledger, call.key)) / _MICRO,
        ground_truth=_is_ground_truth(best.lane, attempt, call),
        reviewer=reviewers[-1] if best.by_person and reviewers else None,
        rivals=tuple(_rival(other) for other in passing if _is_rival(other, best)),
        losers=tuple(_loser(ledger, lq, lane, tried) for lane, tried in _turned_down(lq)),
    )


def _is_rival(other: Passing, best: Passing) -> bool:
    """Say whether a passing candidate shows the same crop by other pixels; a person may accept another frame."""
    return (
        other.assessment.alignment is not None and other.attempt.candidate != best.attempt.candidate
    )


def _rival(other: Passing) -> Rival:
    return Rival(
        blob=other.attempt.candidate,
        box=other.assessment.box,
        correction=other.assessment.correction,
        restorer=other.lane.restorer,
        attempt=other.attempt.number,
    )


def _loser(ledger: sqlite3.Connection, lq: _Lq, lane: _Lane, attempt: AttemptRow) -> Loser:
    call = calls.find_call(ledger, attempt.call)
    assert call is not None
    assessment = ASSESSMENT.validate_json(attempt.assessment)
    rejects = {d.candidate: d.reasons for d in lq.decisions if d.choice == "reject"}
    return Loser(
        blob=attempt.candidate,
        box=assessment.box,
        correction=assessment.correction,
        alike=assessment.alignment is not None,
        aspects=assessment.aspects,
        stage=assessment.stage or "person",
        marked=rejects.get(attempt.pixel_hash, ()),
        restorer=lane.row.restorer,
        model=call.model,
        version=call.version or call.model,
        prompt=PROMPT.validate_json(attempt.prompt),
        attempt=attempt.number,
        sample=lane.row.sample,
        ground_truth=_is_ground_truth(lane.row, attempt, call),
    )


def _is_ground_truth(lane: LaneRow, attempt: AttemptRow, call: calls.CallRow | None) -> bool:
    notes = _NOTES.validate_json(attempt.notes)
    return makes_ground_truth(
        load_restorer(lane.restorer),
        version=(call and call.version) or "",
        stamp=notes.get(STAMP_KEY),
    )


def _accepted_lanes(
    lq: LqHistory, decisions: list[Decision]
) -> Iterator[tuple[LaneHistory, int, bool]]:
    """Yield each lane that stands for a candidate, the index of its attempt, and whether a person accepted it."""
    for lane in lq.lanes:
        found = accepted_candidate(_tried(lane), decisions=decisions)
        if found is not None:
            yield lane, *found


def _fate(lq: LqHistory, decisions: list[Decision], recipe: Recipe) -> Fate:
    category, severity = lq.category, lq.severity
    accepted = list(_accepted_lanes(lq, decisions))
    if accepted:
        by_person = any(person for _, _, person in accepted)
        passed = [lane.attempts[index] for lane, index, _ in accepted]
        assurance = _assurance(passed, by_person=by_person)
        if _needs_person(passed, recipe, by_person=by_person):
            return Fate("review", "flagged, waits for people", category, severity)
        if _suffices(assurance, recipe):
            return Fate("pair", assurance, category, severity)
        return Fate("review", f"{assurance}, waits for people", category, severity)
    states: dict[lanes.LaneState, LaneHistory] = {lane.state: lane for lane in lq.lanes}
    unfinished: tuple[lanes.LaneState, ...] = ("ready", "running", "in_doubt")
    for state in unfinished:
        if state in states:
            reason = "in doubt" if state == "in_doubt" else "not tried yet"
            return Fate("waiting", reason, category, severity)
    said = {decision.candidate: decision.choice for decision in decisions}
    words = {said.get(lane.attempts[-1].pixel_hash) for lane in lq.lanes if lane.attempts}
    if "regenerate" in words and "passed" in states:
        return Fate("waiting", "sent back, not tried yet", category, severity)
    if "reject" in words:
        return Fate("review", "rejected by a person", category, severity)
    return _ended(lq, states)


def _ended(lq: LqHistory, states: dict[lanes.LaneState, LaneHistory]) -> Fate:
    category, severity = lq.category, lq.severity
    if "review" in states:
        return Fate("review", "unjudged, waits for people", category, severity)
    if "rejected" in states:
        last = states["rejected"].attempts[-1]
        stage = last.stage if last.stage in ("align", "screen", "judge") else "judge"
        return Fate(stage, (last.reason or "").partition(":")[0], category, severity)
    if "refused" in states:
        told = (states["refused"].detail or "the restorer refused").split(": ")
        return Fate("refused", ": ".join(told[:2]), category, severity)
    failed = states.get("failed")
    return Fate("failed", (failed.detail if failed else None) or "no lane", category, severity)


def _rejected(ledger: sqlite3.Connection, lq: _Lq, lane: _Lane, attempt: AttemptRow) -> Rejected:
    call = calls.find_call(ledger, attempt.call)
    return Rejected(
        id=identity(lq.row.pixel_hash),
        photo=PHOTO.validate_json(lq.photo.stated),
        category=lq.row.category,
        lq_blob=lq.record.blob,
        candidate_blob=attempt.candidate,
        restorer=lane.row.restorer,
        attempt=attempt.number,
        assessment=ASSESSMENT.validate_json(attempt.assessment),
        ground_truth=_is_ground_truth(lane.row, attempt, call),
        notes=_NOTES.validate_json(attempt.notes),
    )


def _assurance(passed: Sequence[AttemptRow | TriedOnce], *, by_person: bool) -> Assurance:
    """Say how a pair was accepted: by a person, by a vlm, or by measurements alone."""
    if by_person:
        return "reviewed"
    judged = any(JUDGE_NOTE in _NOTES.validate_json(attempt.notes) for attempt in passed)
    return "judged" if judged else "measured"


def _needs_person(
    passed: Sequence[AttemptRow | TriedOnce], recipe: Recipe, *, by_person: bool
) -> bool:
    """Say whether the recipe wants a person to see what these photos show, and none accepted it yet."""
    wanted = recipe.flags.review
    if by_person or not wanted:
        return False
    raised = {
        flag
        for attempt in passed
        for flag in str(_NOTES.validate_json(attempt.notes).get(FLAG_NOTE, "")).split(",")
    }
    return any(flag in raised for flag in wanted)


def _suffices(assurance: Assurance, recipe: Recipe) -> bool:
    return ASSURANCES.index(assurance) >= ASSURANCES.index(recipe.release.assurance)
