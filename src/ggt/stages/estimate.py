"""Estimate: what a build would ask, pay and wait for, before anything is sent.

Three cases: every lane is done after its first attempt; a likely number of attempts; every attempt is used up.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Literal, get_args

from ggt import plugins
from ggt.errors import UsageError
from ggt.models import Model, Usage, cost_usd, worst_case_usd
from ggt.prompts import PromptStrategy
from ggt.settings.lanes import LaneSettings
from ggt.settings.limits import LimitSettings
from ggt.settings.recipe import Recipe
from ggt.stages.catalogue import lacks
from ggt.stages.services import is_ours, load_restorer, load_vlm

Step = Literal["describe", "restore", "judge"]
STEPS: tuple[Step, ...] = get_args(Step)
PASS_RATE = 0.7
"""Share of candidates that pass: the VLM-R of the paper's best model. Three attempts then come to 1.39 on average."""
DESCRIBING = Usage(input_tokens=1500, output_tokens=400)
"""What one adaptive prompt usually takes: a picture, the question, a description; ours."""
JUDGING = Usage(input_tokens=3000, output_tokens=1500)
"""What one verdict usually takes: two pictures, the question, five aspects, thoughts included; ours."""
_SECONDS = 3600.0
_MINUTES = 60.0


@dataclass(frozen=True, slots=True)
class PlannedLane:
    """What every lq goes through; `vlm` is asked for the prompt, None where the strategy asks nobody."""

    restorer: str
    prompt: str = "fixed"
    vlm: str | None = None
    samples: int = 1


@dataclass(frozen=True, slots=True)
class Plan:
    """Names and counts of a build."""

    num_lqs: int
    lanes: tuple[PlannedLane, ...]
    judge: str | None = None
    """The vlm that judges; None leaves it to measurements."""
    votes: int = 1
    max_attempts: int = 3
    num_resends: int = 1
    num_under_way: int = 64
    attempts: float | None = None
    """The likely number of attempts a lane; None is what PASS_RATE comes to."""
    limits: Mapping[str, LimitSettings] = field(default_factory=dict[str, LimitSettings])
    drift_share: float = 0.0
    """Canary and sentinel calls among all calls of a model."""


@dataclass(frozen=True, slots=True)
class Case:
    """How often each lane is tried; `sends` is how often a call is submitted at worst."""

    name: str
    attempts: float
    sends: int = 1


@dataclass(frozen=True, slots=True)
class Figure:
    """What one step asks of one model in one case; dollars at usual use, and at the most that can be charged."""

    calls: float
    usual_usd: float
    most_usd: float


@dataclass(frozen=True, slots=True)
class Item:
    """One step's questions to one model; `model` is None for what runs here without one. Figures as `cases` of it."""

    step: Step
    name: str
    model: Model | None
    figures: tuple[Figure, ...]


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a build comes to, in each of `cases`."""

    cases: tuple[Case, ...]
    items: tuple[Item, ...]
    hours: tuple[float, ...]
    hours_by_model: Mapping[str, tuple[float, ...]]
    assumptions: tuple[str, ...]
    lacks: tuple[str, ...]
    """What would end the build before its first paid call."""

    def total(self, case: int) -> Figure:
        """Sum up one case."""
        figures = [item.figures[case] for item in self.items]
        return Figure(
            sum(figure.calls for figure in figures),
            sum(figure.usual_usd for figure in figures),
            sum(figure.most_usd for figure in figures),
        )


def plan_of(recipe: Recipe, num_photos: int, *, attempts: float | None = None) -> Plan:
    """Read from a recipe what it would ask.

    Raises:
        UsageError: a strategy that asks, and nobody named to ask.
    """
    crops = recipe.ingest.crops if recipe.ingest.native else 1
    return Plan(
        num_lqs=num_photos * crops,
        lanes=tuple(
            PlannedLane(lane.restorer, lane.prompt, _asked(lane), lane.samples)
            for lane in recipe.lanes
        ),
        judge=recipe.quality.judge.vlm,
        votes=recipe.quality.judge.votes,
        max_attempts=recipe.restore.max_attempts,
        num_resends=recipe.restore.num_resends,
        num_under_way=recipe.budget.num_under_way,
        attempts=attempts,
        limits=recipe.limits,
        drift_share=recipe.drift.share,
    )


def estimate(plan: Plan, today: date) -> Estimate:
    """Count calls, dollars and hours; nothing is sent and no photo is opened.

    Raises:
        UnknownPluginError: a restorer or vlm that nobody knows.
        UsageError: a number of attempts outside 1 to the plan's most.
    """
    cases = _cases(plan)
    items = tuple(_items(plan, cases))
    models = {item.name: item.model for item in items if item.model is not None}
    by_model = {
        name: tuple(_hours(plan, items, name, model, index) for index in range(len(cases)))
        for name, model in models.items()
    }
    chains = [max(_chain_hours(plan, lane, case) for lane in plan.lanes) for case in cases]
    return Estimate(
        cases=cases,
        items=items,
        hours=tuple(
            max([chain, *(hours[index] for hours in by_model.values())])
            for index, chain in enumerate(chains)
        ),
        hours_by_model=by_model,
        assumptions=tuple(_assumptions(plan, items, cases[1])),
        lacks=tuple(
            f"{name}: {what}" for name, model in models.items() for what in lacks(model, today)
        ),
    )


def likely_attempts(max_attempts: int) -> float:
    """Say how many attempts a lane takes on average when each passes with PASS_RATE, whatever came before."""
    return sum((1 - PASS_RATE) ** earlier for earlier in range(max_attempts))


def _asked(lane: LaneSettings) -> str | None:
    """Name the vlm that a lane's strategy asks, None for a strategy that asks nobody."""
    if plugins.load("prompts", lane.prompt, PromptStrategy).question is None:
        return None
    if lane.vlm is None:
        raise UsageError(
            f"the prompt strategy {lane.prompt!r} of {lane.restorer!r} asks a vlm: name one with --vlm, or as `vlm` of "
            "its lane"
        )
    return lane.vlm


def _cases(plan: Plan) -> tuple[Case, ...]:
    attempts = likely_attempts(plan.max_attempts) if plan.attempts is None else plan.attempts
    if not 1 <= attempts <= plan.max_attempts:
        raise UsageError(
            f"{attempts:g} attempts a lane cannot be: at least 1, at most {plan.max_attempts}"
        )
    return (
        Case("one_attempt", 1.0),
        Case("expected", attempts),
        Case("all_attempts", float(plan.max_attempts), 1 + plan.num_resends),
    )


def _items(plan: Plan, cases: tuple[Case, ...]) -> Iterable[Item]:
    """Yield what is asked, one item for each (step, name)."""
    per_case = [_calls_per_lq(plan, case.attempts) for case in cases]
    for step, name in per_case[0]:
        model = _find(step, name)
        usual = most = 0.0
        if model is not None:
            usage = _usual(step, model)
            usual = cost_usd(model, usage, num_images=usage.num_images)
            most = worst_case_usd(model)
        counts = [plan.num_lqs * calls[step, name] for calls in per_case]
        figures = (
            Figure(count, count * usual, count * most * case.sends)
            for count, case in zip(counts, cases, strict=True)
        )
        yield Item(step, name, model, tuple(figures))


def _calls_per_lq(plan: Plan, attempts: float) -> dict[tuple[Step, str], float]:
    """Count the calls that one lq comes to, in the order of the steps."""
    calls: list[tuple[Step, str | None, float]] = []
    # Before the first attempt all lanes of a strategy ask the same question, and it is answered once.
    askers = dict.fromkeys((lane.prompt, lane.vlm) for lane in plan.lanes)
    calls.extend(("describe", vlm, 1.0) for _, vlm in askers)
    for lane in plan.lanes:
        tries = lane.samples * attempts
        calls.append(("describe", lane.vlm, tries - lane.samples))
        calls.append(("restore", lane.restorer, tries))
        calls.append(("judge", plan.judge, tries * plan.votes))
    sums: dict[tuple[Step, str], float] = {}
    for step, name, count in sorted(calls, key=lambda call: STEPS.index(call[0])):
        if name is not None:
            sums[step, name] = sums.get((step, name), 0.0) + count
    return sums


def _find(step: Step, name: str) -> Model | None:
    """Return the model of a name; None for a file of restorers/ or vlms/, which costs nothing."""
    found = load_restorer(name) if step == "restore" else load_vlm(name)
    return found if isinstance(found, Model) else None


def _usual(step: Step, model: Model) -> Usage:
    if step == "describe":
        return DESCRIBING
    if step == "judge":
        return JUDGING
    return Usage(
        input_tokens=model.typical_input_tokens,
        output_tokens=model.typical_output_tokens,
        image_tokens=model.typical_image_tokens,
        num_images=1,
    )


def _hours(plan: Plan, items: tuple[Item, ...], name: str, model: Model, case: int) -> float:
    """Say how long one model is busy with all its questions: the slowest of latency and stated rates decides."""
    own = [item for item in items if item.name == name]
    calls = sum(item.figures[case].calls for item in own)
    limit = plan.limits.get(name, LimitSettings())
    # What runs in this process edits one picture at a time.
    at_once = 1 if is_ours(name) else limit.num_under_way or plan.num_under_way
    rates = [
        (calls, limit.requests_per_minute or model.rates.requests_per_minute),
        (
            sum(item.figures[case].calls for item in own if item.step == "restore"),
            limit.images_per_minute or model.rates.images_per_minute,
        ),
        # As the engine counts: what a request is reserved for.
        (calls * model.input_tokens, limit.tokens_per_minute or model.rates.tokens_per_minute),
    ]
    by_latency = math.ceil(calls / at_once) * model.latency_s / _SECONDS
    return max([by_latency, *(amount / rate / _MINUTES for amount, rate in rates if rate)])


def _chain_hours(plan: Plan, lane: PlannedLane, case: Case) -> float:
    """Say how long one photo takes on its own: its attempts follow each other, and so do their steps."""
    steps: list[tuple[Step, str | None]] = [
        ("describe", lane.vlm),
        ("restore", lane.restorer),
        ("judge", plan.judge),
    ]
    models = [_find(step, name) for step, name in steps if name is not None]
    latency_s = sum(model.latency_s for model in models if model is not None)
    return case.attempts * latency_s / _SECONDS


def _assumptions(plan: Plan, items: tuple[Item, ...], expected: Case) -> Iterable[str]:
    yield (
        "Every photo is counted. Those that are set aside (already clean, too small, duplicates, barred) cost nothing."
    )
    if plan.attempts is None:
        yield (
            f"{expected.attempts:.2f} attempts a lane: what a pass rate of {PASS_RATE:.0%} comes to if attempts are "
            "independent; the paper reports that rate for its best model and prompt. Yours may differ: --attempts."
        )
    if any(item.step != "restore" and item.model for item in items):
        yield (
            f"A description reads {DESCRIBING.input_tokens:,} tokens and writes {DESCRIBING.output_tokens:,}, "
            f"a verdict {JUDGING.input_tokens:,} and {JUDGING.output_tokens:,}; ours."
        )
    if plan.judge:
        yield "Every candidate is judged; those that measurements reject before are not, so it may be fewer."
    if plan.drift_share and any(item.model for item in items):
        yield (
            f"Watching whether a model changes adds about {plan.drift_share:.1%} to its calls, and a few at the start; "
            "they are not counted here."
        )
    yield (
        f"At most: every call is submitted {1 + plan.num_resends} times at the price that is reserved for it. "
        "Sends in doubt that you let repeat come on top."
    )
    yield (
        "Hours: latencies are ours, all steps overlap, and the slowest model decides. What runs here without a model "
        "costs nothing and its time is not counted. State your account's rates under [limits.NAME] in the recipe."
    )
