"""Costs in the ledger: what was paid, by what it was for. All functions run inside one transaction."""

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from ggt.store.calls import MICRO, SendState
from ggt.types import Category


@dataclass(frozen=True, slots=True)
class Cost:
    """What all sends of one kind came to; `category` and `restorer` are None for probes, which belong to no photo.

    `stage` is prompt, restore, judge or probe; `attempt` counts from 1.
    """

    stage: Literal["prompt", "restore", "judge", "probe"]
    model: str
    attempt: int
    category: Category | None
    restorer: str | None
    num_calls: int
    num_sends: int
    settled_usd: float
    in_doubt_usd: float


_COSTS = """
SELECT CASE WHEN call.lane IS NULL THEN 'probe' ELSE json_extract(call.question, '$.stage') END,
  call.model, json_extract(call.question, '$.attempt'), lq.category, lane.restorer,
  count(DISTINCT call.key), count(*), sum(send.cost_micro),
  sum(CASE WHEN send.state = 'in_doubt' THEN send.reserved_micro ELSE 0 END)
FROM send JOIN call ON call.key = send.call
LEFT JOIN lane ON lane.id = call.lane LEFT JOIN lq ON lq.id = lane.lq
WHERE send.repeatable = 0
GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3, 4, 5
"""


def costs(connection: sqlite3.Connection) -> list[Cost]:
    """Add up what was sent to providers, by stage, model, attempt, category and restorer."""
    return [
        Cost(stage, model, attempt, category, restorer, calls, sends, cost / MICRO, doubt / MICRO)
        for stage, model, attempt, category, restorer, calls, sends, cost, doubt in (
            connection.execute(_COSTS)
        )
    ]


@dataclass(frozen=True, slots=True)
class Listed:
    """One send with what it was for; `photo` is None for probes."""

    send: str
    call: str
    number: int
    state: SendState
    stage: str
    model: str
    version: str | None
    attempt: int
    sample: int
    vote: int
    photo: str | None
    restorer: str | None
    cost_usd: float
    reserved_usd: float
    retried: bool
    remote_id: str | None
    detail: str | None
    began_at: float
    ended_at: float | None


_LISTED = """
SELECT send.id, send.call, send.number, send.state,
  CASE WHEN call.lane IS NULL THEN 'probe' ELSE json_extract(call.question, '$.stage') END,
  call.model, call.version, json_extract(call.question, '$.attempt'),
  json_extract(call.question, '$.sample'), json_extract(call.question, '$.vote'),
  photo.path, lane.restorer, send.cost_micro, send.reserved_micro, send.retried, send.remote_id,
  send.detail, send.began_at, send.ended_at
FROM send JOIN call ON call.key = send.call
LEFT JOIN lane ON lane.id = call.lane LEFT JOIN lq ON lq.id = lane.lq
LEFT JOIN photo ON photo.id = lq.photo
WHERE send.repeatable = 0 AND (NOT ? OR send.state = 'in_doubt')
ORDER BY send.began_at, send.id
"""


def each_send(connection: sqlite3.Connection, *, in_doubt: bool) -> Iterator[Listed]:
    """Yield every send to a provider, or only those in doubt, oldest first."""
    for row in connection.execute(_LISTED, (in_doubt,)):
        *head, cost, reserved, retried, remote_id, detail, began, ended = row
        yield Listed(
            *head,
            cost_usd=cost / MICRO,
            reserved_usd=reserved / MICRO,
            retried=bool(retried),
            remote_id=remote_id,
            detail=detail,
            began_at=began,
            ended_at=ended,
        )
