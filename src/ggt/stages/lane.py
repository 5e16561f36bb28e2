"""What becomes of a lane: the table of consequences as one pure function, history in, state out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from ggt.store.decisions import Decision
from ggt.store.lanes import Outcome

Consequence = Literal["ready", "passed", "rejected", "refused", "review"]


@dataclass(frozen=True, slots=True)
class Tried:
    """One attempt as the table sees it: the candidate's pixel hash and what quality control said."""

    candidate: str
    outcome: Outcome


def consequence(
    tried: Sequence[Tried], *, refused: bool, decisions: Sequence[Decision], max_attempts: int
) -> Consequence:
    """Say what a lane's history leads to.

    Args:
        tried: the attempts so far, in their order; refusals are none of them.
        refused: the provider refused the next attempt for good, its resends used up.
        decisions: people's decisions about the lq, oldest first; the last one on a candidate counts.
        max_attempts: how many attempts a lane has by itself; each `regenerate` adds one.

    Returns:
        `ready` when another attempt is due. A person's accept or reject is final, whatever else happened.
    """
    last_said = {decision.candidate: decision.choice for decision in decisions}
    final = [last_said.get(attempt.candidate) for attempt in tried]
    if "accept" in final:
        return "passed"
    if "reject" in final:
        return "rejected"
    if refused:
        return "refused"
    return _by_itself(tried, num_allowed=max_attempts + final.count("regenerate"), final=final)


def _by_itself(
    tried: Sequence[Tried], *, num_allowed: int, final: Sequence[str | None]
) -> Consequence:
    if not tried:
        return "ready"
    sent_back = final[-1] == "regenerate"
    if sent_back and len(tried) < num_allowed:
        return "ready"
    match tried[-1].outcome:
        case "passed":
            return "passed"
        case "unjudged":
            return "review"
        case "rejected":
            return "ready" if len(tried) < num_allowed else "rejected"


def accepted_candidate(
    tried: Sequence[Tried], *, decisions: Sequence[Decision]
) -> tuple[int, bool] | None:
    """Find the attempt that a passed lane stands for: its index, and whether a person accepted it."""
    last_said = {decision.candidate: decision.choice for decision in decisions}
    for index in reversed(range(len(tried))):
        if last_said.get(tried[index].candidate) == "accept":
            return index, True
    if tried and tried[-1].outcome == "passed":
        return len(tried) - 1, False
    return None
