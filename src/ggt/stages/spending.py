"""Spending: what an accepted pair cost, by category, restorer and attempt: what did attempts two and three buy?

Everything that was paid counts, whatever came of it: rejected attempts, prompts, verdicts, refusals, probes.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from ggt.stages.outcomes import accepted
from ggt.store.costs import Cost, costs
from ggt.store.workspace import Reading


@dataclass(frozen=True, slots=True)
class Share:
    """What was spent on one of a kind, and how many pairs came of it; None a pair where there is none."""

    name: str
    spent_usd: float
    num_pairs: int

    @property
    def usd_per_pair(self) -> float | None:
        """Dollars for each accepted pair."""
        return self.spent_usd / self.num_pairs if self.num_pairs else None


@dataclass(frozen=True, slots=True)
class Spending:
    """All that was settled, in dollars, over the accepted pairs, and the same by category, restorer, attempt, stage.

    Stages buy pairs together only: their shares have the number of all pairs. `whole` holds probes too; the other
    tables do not, since probes belong to no photo.
    """

    whole: Share
    by_category: tuple[Share, ...]
    by_restorer: tuple[Share, ...]
    by_attempt: tuple[Share, ...]
    by_stage: tuple[Share, ...]


def spending(reading: Reading) -> Spending:
    """Add a workspace's money up; reads no pixels and no assessments of rejected candidates."""
    paid = costs(reading.ledger)
    won = list(accepted(reading))
    num = len(won)
    total = sum(cost.settled_usd for cost in paid)
    stages: defaultdict[str, float] = defaultdict(float)
    for cost in paid:
        stages[cost.stage] += cost.settled_usd
    photos = [cost for cost in paid if cost.stage != "probe"]
    return Spending(
        whole=Share("all", total, num),
        by_category=_shares(photos, lambda c: c.category or "", (w.category for w in won)),
        by_restorer=_shares(photos, lambda c: c.restorer or "", (w.restorer for w in won)),
        by_attempt=_shares(photos, lambda c: str(c.attempt), (str(w.attempt) for w in won)),
        by_stage=tuple(Share(stage, usd, num) for stage, usd in sorted(stages.items())),
    )


def named_shares(spent: Spending) -> list[tuple[str, Share]]:
    """List the whole and every share with what it is of; empty when nothing was paid."""
    if not spent.whole.spent_usd:
        return []
    tables = (
        ("category", spent.by_category),
        ("restorer", spent.by_restorer),
        ("attempt", spent.by_attempt),
        ("stage", spent.by_stage),
    )
    shares = [(f"{what} {share.name}", share) for what, table in tables for share in table]
    return [("all", spent.whole), *shares]


def _shares(
    paid: Sequence[Cost], name_of: Callable[[Cost], str], won: Iterable[str]
) -> tuple[Share, ...]:
    spent: defaultdict[str, float] = defaultdict(float)
    for cost in paid:
        spent[name_of(cost)] += cost.settled_usd
    pairs = Counter(won)
    names = sorted(name for name in {*spent, *pairs} if spent[name] or pairs[name])
    return tuple(Share(name, spent[name], pairs[name]) for name in names)
