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
        `ready` when another attempt is due. A person's accept is final, and so is a reject of the last candidate; a
        decision about other pixels changes nothing.
    """
    last_said = {decision.candidate: decision.choice for decision in decisions}
    said = [last_said.get(attempt.candidate) for attempt in tried]
    if "accept" in said:
        return "passed"
    if said and said[-1] == "reject":
        return "rejected"
    if refused:
        return "refused"
    sent_back = {
        attempt.candidate for attempt, word in zip(tried, said, strict=True) if word == "regenerate"
    }
    return _by_itself(
        tried,
        num_allowed=max_attempts + len(sent_back),
        sent_back=bool(said) and said[-1] == "regenerate",
    )


def _by_itself(tried: Sequence[Tried], *, num_allowed: int, sent_back: bool) -> Consequence:
    if not tried:
        return "ready"
    if sent_back:
        # A restorer that returns the very pixels again would do so for ever: people look at them instead.
        same_again = tried[-1].candidate in {attempt.candidate for attempt in tried[:-1]}
        return "review" if same_again or len(tried) >= num_allowed else "ready"
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
    """Find the attempt that a lane stands for: its index, and whether a person accepted it."""
    last_said = {decision.candidate: decision.choice for decision in decisions}
    for index in reversed(range(len(tried))):
        if last_said.get(tried[index].candidate) == "accept":
            return index, True
    undecided = bool(tried) and tried[-1].candidate not in last_said
    if undecided and tried[-1].outcome == "passed":
        return len(tried) - 1, False
    return None
