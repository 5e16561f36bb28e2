"""Audit: what people found in a random sample of the candidates that quality control passes by itself.

The sample is drawn by lot, the same lot for ever: the candidates in the order of a hash of their lqs, as far as people
have looked at every one. Whoever reviews in any other order adds nothing to it but where the two orders meet.
"""

import hashlib
from dataclasses import dataclass

from scipy.stats import beta

from ggt.stages.outcomes import ForPeople, pair_for_people
from ggt.store.decisions import Choice
from ggt.store.histories import LqHistory, each_history
from ggt.store.workspace import Reading

LEAST = 30
"""A smaller sample is not spoken of, unless it is everything; ours."""


@dataclass(frozen=True, slots=True)
class Audit:
    """How many of the lqs for which quality control passed a candidate were looked at, by lot, and were bad.

    `num_passed` is how many there are.
    """

    num_checked: int
    num_bad: int
    num_passed: int


def upper_bound(audit: Audit) -> float:
    """Return the one-sided 95 % Clopper-Pearson bound on the share of bad pairs, 0 to 1."""
    if audit.num_bad >= audit.num_checked:
        return 1.0
    return float(beta.ppf(0.95, audit.num_bad + 1, audit.num_checked - audit.num_bad))


@dataclass(frozen=True, slots=True)
class _Drawn:
    """One lq in the order of the lot; `words` are people's last ones on the candidates that passed."""

    lot: str
    pixel_hash: str
    words: frozenset[Choice]


def audit(reading: Reading) -> Audit | None:
    """Count the sample; None when it is too small to speak of."""
    drawn = _draw(reading)
    num_checked = next((n for n, lq in enumerate(drawn) if not lq.words), len(drawn))
    if num_checked < min(LEAST, len(drawn)) or not num_checked:
        return None
    num_bad = sum(bool(lq.words & {"reject", "regenerate"}) for lq in drawn[:num_checked])
    return Audit(num_checked, num_bad, len(drawn))


def to_audit(reading: Reading, count: int) -> list[ForPeople]:
    """List the pairs that nobody decided about among the first `count` by lot."""
    undecided = [lq for lq in _draw(reading)[:count] if not lq.words]
    found = (pair_for_people(reading, lq.pixel_hash) for lq in undecided)
    return [pair for pair in found if pair is not None]


def _draw(reading: Reading) -> list[_Drawn]:
    drawn = [
        _Drawn(_lot(lq.pixel_hash), lq.pixel_hash, _words(reading, lq))
        for lq in each_history(reading.ledger)
        if _passed(lq)
    ]
    return sorted(drawn, key=lambda lq: lq.lot)


def _passed(lq: LqHistory) -> set[str]:
    return {
        attempt.pixel_hash
        for lane in lq.lanes
        for attempt in lane.attempts
        if attempt.outcome == "passed"
    }


def _words(reading: Reading, lq: LqHistory) -> frozenset[Choice]:
    passed = _passed(lq)
    decisions = reading.decisions.about(lq.pixel_hash)
    said: dict[str, Choice] = {d.candidate: d.choice for d in decisions}
    return frozenset(choice for candidate, choice in said.items() if candidate in passed)


def _lot(pixel_hash: str) -> str:
    """Order lqs as if at random, the same way for ever."""
    return hashlib.sha256(f"audit {pixel_hash}".encode()).hexdigest()
