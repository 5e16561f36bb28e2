"""Drift: whether the models that a build asks still answer as they did at its beginning.

Canaries and sentinels are interleaved with the photos, one at the first call of a model and then one for every
1/share calls. The latest rounds are compared with the first; a shift beyond its bound pauses the build and says what
moved.
"""

import asyncio
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

from pydantic import TypeAdapter

from ggt.errors import StopRunError
from ggt.models import ModelKind, find_model
from ggt.prompts import PromptTask
from ggt.providers import InDoubtError, InvalidRequestError
from ggt.settings.drift import DriftSettings
from ggt.settings.recipe import Recipe
from ggt.stages.judge import Case, ask_judge
from ggt.stages.probes import (
    CANARIES,
    SENTINELS,
    Canary,
    Sentinel,
    make_canaries,
    make_sentinels,
    true_psnr,
)
from ggt.stages.prompt import load_strategy
from ggt.stages.restore import CANDIDATE, Turn, Workshop, ask_model
from ggt.stages.services import Asked, is_ours
from ggt.store import calls
from ggt.store.database import Database
from ggt.store.probes import ProbeKind, ProbeRow, add_probe, num_calls_of, probes_of
from ggt.types import ASPECTS, Aspect, Assessment, Box

_STAGES: Mapping[ModelKind, str] = {"mfm": "restore", "vlm": "judge"}
"""The calls among which a model's probes are interleaved."""
_STRATEGY = "fixed"
"""Canaries are always restored with this prompt, whatever the recipe's lanes say."""


class DriftError(StopRunError):
    """A model no longer answers as it did; nothing is lost, and the build can go on once somebody accepts it."""


@dataclass(frozen=True, slots=True)
class Probe:
    """What one probe came to.

    `answered` is False when no usable answer came. `psnr_db` is a canary's against its truth. `right` is a sentinel's:
    the truth was accepted, or an aspect that should notice the fault was below the passing level; `noticed` names them.
    """

    answered: bool
    version: str = ""
    psnr_db: float | None = None
    right: bool | None = None
    noticed: tuple[Aspect, ...] = ()


PROBE = TypeAdapter(Probe)


@dataclass(frozen=True, slots=True)
class Round:
    """A probe, of which of the fixed set it is, and when in its order."""

    name: str
    number: int
    probe: Probe


class Probing:
    """Asks the probes of one build; one at a time for each model."""

    def __init__(
        self, database: Database, workshop: Workshop, recipe: Recipe, *, epoch: int
    ) -> None:
        self._database = database
        self._workshop = workshop
        self._recipe = recipe
        self._epoch = epoch
        self._busy: dict[str, asyncio.Lock] = {}
        self._calls_before: dict[str, int] = {}
        self._next_round: dict[str, int] = {}
        self._canaries: list[Canary] = []
        self._sentinels: list[Sentinel] = []

    def check(self) -> None:
        """Look at what earlier runs left.

        Raises:
            DriftError: something had moved, and nobody has accepted it.
        """
        if self._recipe.drift.share == 0:
            return
        for alias in sorted(self._recipe.model_names()):
            self._compare(alias)

    async def probe_if_due(self, alias: str) -> None:
        """Probe a model when a probe is due; models that run here never drift.

        Raises:
            DriftError: what the model does has moved beyond the recipe's bound.
            StopRunError: as `ask` does.
        """
        settings = self._recipe.drift
        if settings.share == 0 or is_ours(alias):
            return
        busy = self._busy.setdefault(alias, asyncio.Lock())
        self._begin(alias)
        if busy.locked():
            return  # whoever probes goes on until no probe is due
        async with busy:
            while self._next_round[alias] < 1 + settings.share * self._num_calls(alias):
                await self._probe(alias)

    def _num_calls(self, alias: str) -> int:
        """Count what was sent for photos, in earlier runs and in this one; answers from the ledger cost no probe."""
        model = find_model(alias)
        assert model is not None
        sent = self._workshop.asker.num_sent
        return self._calls_before[alias] + sent[_STAGES[model.kind], f"{model.provider}/{model.id}"]

    async def _probe(self, alias: str) -> None:
        number = self._next_round[alias]
        self._next_round[alias] += 1
        model = find_model(alias)
        assert model is not None
        await (self._canary if model.kind == "mfm" else self._sentinel)(alias, number)
        self._compare(alias)

    def _begin(self, alias: str) -> None:
        if alias in self._calls_before:
            return
        model = find_model(alias)
        assert model is not None
        stage = _STAGES[model.kind]
        num_known = self._database.read(lambda c: num_calls_of(c, model.id, stage))
        # What this run has sent already is in both counts.
        num_now = self._workshop.asker.num_sent[stage, f"{model.provider}/{model.id}"]
        self._calls_before[alias] = max(0, num_known - num_now)
        known = self._database.read(lambda c: probes_of(c, alias))
        self._next_round[alias] = 1 + max((row.round for row in known), default=-1)

    async def _canary(self, alias: str, number: int) -> None:
        workshop = self._workshop
        if not self._canaries:
            self._canaries = await workshop.pool.run(make_canaries, workshop.side, workshop.blobs)
        canary = self._canaries[number % len(self._canaries)]
        model = find_model(alias)
        assert model is not None
        task = PromptTask(canary.lq.category, canary.lq.measurements)
        prompt = load_strategy(_STRATEGY).write(task, None).text
        question, service = ask_model(
            Asked(alias, model, workshop.clients),
            canary.lq,
            prompt,
            workshop=workshop,
            turn=Turn(attempt=1, sample=number, seed=0),
        )
        try:
            answered = await workshop.asker.ask(question, service, lane=None)
        except InDoubtError:
            return  # it is listed in doubt; the next round asks anew
        except InvalidRequestError:
            await self._keep("canary", alias, canary.name, number, Probe(answered=False))
            return
        probe = Probe(answered=False, version=answered.version)
        if answered.answer is not None:
            candidate = CANDIDATE.validate_json(answered.answer)
            psnr_db = await workshop.pool.run(true_psnr, canary.lq, candidate, workshop.blobs)
            probe = Probe(answered=True, version=answered.version, psnr_db=psnr_db)
        await self._keep("canary", alias, canary.name, number, probe)

    async def _sentinel(self, alias: str, number: int) -> None:
        workshop = self._workshop
        if not self._sentinels:
            self._sentinels = await workshop.pool.run(make_sentinels, workshop.side, workshop.blobs)
        sentinel = self._sentinels[number % len(self._sentinels)]
        settings = self._recipe.quality.judge.model_copy(update={"votes": 1})
        whole = Box(0, 0, workshop.side, workshop.side)
        unseen = Assessment("accept", None, (), (), None, {}, whole)
        case = Case(sentinel.lq, sentinel.candidate, unseen, (), 1, 0, epoch=number + 1)
        try:
            judged = await ask_judge(case, settings=settings, workshop=workshop, lane=None)
        except InDoubtError:
            return
        except InvalidRequestError:
            await self._keep("sentinel", alias, sentinel.name, number, Probe(answered=False))
            return
        probe = judged_probe(sentinel, judged, min_level=settings.min_level)
        await self._keep("sentinel", alias, sentinel.name, number, probe)

    async def _keep(
        self, kind: ProbeKind, alias: str, name: str, number: int, probe: Probe
    ) -> None:
        record = PROBE.dump_json(probe).decode()
        row = ProbeRow(kind, alias, name, number, self._epoch, record)
        await self._database.write(lambda c: add_probe(c, row))

    def _compare(self, alias: str) -> None:
        rounds = [
            Round(row.name, row.round, PROBE.validate_json(row.record))
            for row in self._database.read(lambda c: probes_of(c, alias))
            if row.epoch == self._epoch
        ]
        model = find_model(alias)
        if model is None:
            return
        moved = what_moved(rounds, self._recipe.drift, is_mfm=model.kind == "mfm")
        if moved:
            self._database.write_soon(lambda c: calls.log(c, "drift", alias, moved))
            raise DriftError(
                f"paused: {alias} no longer answers as it did: {moved}. What it made is kept; `ggt status` lists its "
                "probes. Build with --accept-drift to go on and take what it does now as usual"
            )


def judged_probe(sentinel: Sentinel, judged: Assessment, *, min_level: int) -> Probe:
    """Say whether a judge saw what a sentinel shows."""
    versions = judged.judged_by.versions if judged.judged_by else ()
    version = versions[0] if versions else ""
    if judged.verdict == "unjudged":
        return Probe(answered=False, version=version)
    levels = {a.aspect: a.level for a in judged.aspects}
    low: list[Aspect] = [
        aspect for aspect in ASPECTS if (levels.get(aspect) or min_level) < min_level
    ]
    noticed = tuple(sorted(sentinel.aspects.intersection(low)))
    right = bool(noticed) if sentinel.aspects else not low
    return Probe(answered=True, version=version, right=right, noticed=noticed)


def what_moved(rounds: Sequence[Round], settings: DriftSettings, *, is_mfm: bool) -> str | None:
    """Compare a model's latest probes with its first; None while nothing has moved, or too few are there.

    Both windows hold every one of the fixed set equally often, so that the same probes are compared.
    """
    fixed = len(CANARIES) if is_mfm else len(SENTINELS)
    first_size = fixed * math.ceil(settings.num_first / fixed)
    last_size = fixed * math.ceil(settings.num_last / fixed)
    if len(rounds) < first_size + last_size:
        return None
    first, last = rounds[:first_size], rounds[-last_size:]
    answered = _shift(
        [float(r.probe.answered) for r in first], [float(r.probe.answered) for r in last]
    )
    told = _told("share of probes answered", answered, bound=settings.max_detection)
    if told is None and is_mfm:
        told = _told(
            "mean PSNR of canaries against their truths, dB",
            _psnr(first, last),
            bound=settings.max_psnr_db,
        )
    elif told is None:
        right = _shift(_rightness(first), _rightness(last))
        told = _told("share of sentinels judged rightly", right, bound=settings.max_detection)
    if told is None:
        return None
    versions = [
        sorted({r.probe.version for r in window if r.probe.version}) for window in (first, last)
    ]
    changed = f"; versions {versions[0]} became {versions[1]}" if versions[0] != versions[1] else ""
    return f"{told} over the last {last_size} probes{changed}"


@dataclass(frozen=True, slots=True)
class Shift:
    """From which mean to which, and twice the standard error of the difference."""

    before: float
    after: float
    margin: float


def _told(what: str, shift: Shift | None, *, bound: float) -> str | None:
    if shift is None or abs(shift.after - shift.before) <= bound + shift.margin:
        return None
    bounds = f"bound {bound:g}, and {shift.margin:.2f} for chance"
    return f"{what} went from {shift.before:.2f} to {shift.after:.2f} ({bounds})"


def _rightness(rounds: Sequence[Round]) -> list[float]:
    return [float(r.probe.right) for r in rounds if r.probe.right is not None]


def _shift(first: Sequence[float], last: Sequence[float]) -> Shift | None:
    """Compare two samples of 0 and 1, or of anything; None when either is too small."""
    if len(first) < 2 or len(last) < 2:
        return None
    error = math.hypot(*(stdev(side) / math.sqrt(len(side)) for side in (first, last)))
    return Shift(fmean(first), fmean(last), 2 * error)


def _psnr(first: Sequence[Round], last: Sequence[Round]) -> Shift | None:
    """Compare photo by photo: canaries differ far more from one another than a model from itself."""
    before = {r.name: r.probe.psnr_db for r in first if r.probe.psnr_db is not None}
    both = [
        (before[r.name], r.probe.psnr_db)
        for r in last
        if r.name in before and r.probe.psnr_db is not None
    ]
    if len(both) < 2:
        return None
    differences = [after - then for then, after in both]
    margin = 2 * stdev(differences) / math.sqrt(len(differences))
    return Shift(fmean(then for then, _ in both), fmean(after for _, after in both), margin)


@dataclass(frozen=True, slots=True)
class Detection:
    """How many of a model's sentinels with a fault in an aspect that aspect noticed, and how many truths passed."""

    subject: str
    what: str
    num_right: int
    num_asked: int


def detections(rows: Sequence[ProbeRow]) -> list[Detection]:
    """Count sentinels by judge and by planted fault, the truth among them."""
    counts: dict[tuple[str, str], list[int]] = {}
    for row in rows:
        probe = PROBE.validate_json(row.record)
        if row.kind == "sentinel" and probe.right is not None:
            what = row.name.partition(" ")[2]
            count = counts.setdefault((row.subject, what), [0, 0])
            count[0] += probe.right
            count[1] += 1
    return [Detection(*key, right, asked) for key, (right, asked) in sorted(counts.items())]
