"""Calls and sends: what was asked, each submission of it, and the money behind it.

All functions run inside one transaction of the connection that they are given. Money is whole micro-dollars.
"""

import math
import sqlite3
import time
from dataclasses import dataclass
from typing import Literal

from ggt.errors import BudgetError, GgtError

SendState = Literal[
    "intent",
    "submitted",
    "done",
    "refused",
    "no_image",
    "bad_output",
    "unbilled",
    "in_doubt",
    "repeated",
]
Unhappy = Literal["refused", "no_image", "bad_output"]
MICRO = 1_000_000


@dataclass(frozen=True, slots=True)
class CallRow:
    """A question and, once `state` is done, its answer as JSON text."""

    key: str
    lane: int | None
    """None for what belongs to no photo: canaries and sentinels."""
    model: str
    state: Literal["open", "done", "refused"]
    answer: str | None
    version: str | None


@dataclass(frozen=True, slots=True)
class SendRow:
    """One submission of a call."""

    id: str
    call: str
    number: int
    state: SendState
    repeatable: bool
    reserved_micro: int
    cost_micro: int
    retried: bool
    remote_id: str | None
    detail: str | None


@dataclass(frozen=True, slots=True)
class Spend:
    """Where the money stands: settled, reserved by sends under way, reserved by sends in doubt."""

    settled_usd: float
    under_way_usd: float
    in_doubt_usd: float
    num_in_doubt: int


def micro(usd: float) -> int:
    """Convert dollars to whole micro-dollars, upwards: a bound must not be rounded below the price."""
    return math.ceil(round(usd * MICRO, 3))


def find_call(connection: sqlite3.Connection, key: str) -> CallRow | None:
    """Look a question up by its key."""
    row = connection.execute(
        "SELECT key, lane, model, state, answer, version FROM call WHERE key = ?", (key,)
    ).fetchone()
    return CallRow(*row) if row else None


def sends_of(connection: sqlite3.Connection, key: str) -> list[SendRow]:
    """List a call's sends in their order."""
    return _sends(connection, "call = ? ORDER BY number", (key,))


def sends_in_doubt(connection: sqlite3.Connection) -> list[SendRow]:
    """List every send that may have been billed and brought no answer, also those whose call was retried."""
    return _sends(connection, "state = 'in_doubt' ORDER BY began_at, id", ())


def sends_under_way(connection: sqlite3.Connection) -> list[SendRow]:
    """List the sends that have begun and not ended."""
    return _sends(connection, "state IN ('intent', 'submitted') ORDER BY began_at, id", ())


def open_call(
    connection: sqlite3.Connection, key: str, *, lane: int | None, model: str, question: str
) -> None:
    """Write down a question; a question that is there already stays as it is."""
    connection.execute(
        "INSERT OR IGNORE INTO call (key, lane, model, question) VALUES (?, ?, ?, ?)",
        (key, lane, model, question),
    )


def blocks(send: SendRow) -> bool:
    """Say whether a send forbids another one of its call: it is under way, or in doubt and not retried."""
    under_way = send.state in ("intent", "submitted")
    return under_way or (send.state == "in_doubt" and not send.retried)


def begin_send(
    connection: sqlite3.Connection,
    key: str,
    *,
    repeatable: bool,
    reserve_micro: int,
    budget_micro: int | None,
    owner: str,
) -> SendRow:
    """Write the intent to send and reserve its worst case, before anything leaves.

    Raises:
        BudgetError: the budget could be exceeded; nothing was written.
        GgtError: an earlier send of this call is under way or in doubt: it must be resolved first.
    """
    earlier = sends_of(connection, key)
    blocking = [send for send in earlier if blocks(send)]
    if blocking:
        raise GgtError(f"send {blocking[0].id!r} is {blocking[0].state}: not sent again")
    _check_budget(connection, reserve_micro, None if repeatable else budget_micro)
    number = len(earlier) + 1
    identity = f"{key[:24]}-{number}"
    connection.execute(
        "INSERT INTO send (id, call, number, repeatable, reserved_micro, owner, began_at) "
        "VALUES (?, ?, ?, ?, ?, ?, ?)",
        (identity, key, number, repeatable, reserve_micro, owner, time.time()),
    )
    connection.execute("UPDATE spend SET reserved_micro = reserved_micro + ?", (reserve_micro,))
    return SendRow(identity, key, number, "intent", repeatable, reserve_micro, 0, False, None, None)


def note_submitted(connection: sqlite3.Connection, send: str, remote_id: str) -> None:
    """Remember the provider's id of a send, under which polls are free."""
    connection.execute(
        "UPDATE send SET state = 'submitted', remote_id = ? WHERE id = ? AND state = 'intent'",
        (remote_id, send),
    )


def settle(
    connection: sqlite3.Connection,
    send: SendRow,
    *,
    state: Literal["done"] | Unhappy,
    cost_micro: int,
    detail: str | None = None,
    remote_id: str | None = None,
) -> None:
    """End a send that was answered: its reservation becomes what it cost; the provider's name of it is kept."""
    if remote_id is not None:
        connection.execute(
            "UPDATE send SET remote_id = coalesce(remote_id, ?) WHERE id = ?", (remote_id, send.id)
        )
    _end(connection, send, state=state, cost_micro=cost_micro, detail=detail)
    _move(connection, send, cost_micro)


def book(connection: sqlite3.Connection, send: SendRow, cost_micro: int) -> None:
    """Count what a send cost whose reply is here and was not read yet: the money is gone, the answer may follow."""
    connection.execute(
        "UPDATE send SET state = 'submitted', cost_micro = ?, reserved_micro = 0 WHERE id = ?",
        (cost_micro, send.id),
    )
    _move(connection, send, cost_micro)


def release_unbilled(connection: sqlite3.Connection, send: SendRow, detail: str) -> None:
    """End a send that the provider documents as free: its reservation is given back."""
    _free(connection, send, state="unbilled", detail=detail)


def finish_call(
    connection: sqlite3.Connection,
    key: str,
    *,
    state: Literal["done", "refused"],
    answer: str | None,
    version: str | None,
) -> None:
    """Close a question for good: from now on it is answered from here."""
    connection.execute(
        "UPDATE call SET state = ?, answer = ?, version = ? WHERE key = ? AND state = 'open'",
        (state, answer, version, key),
    )


def put_in_doubt(connection: sqlite3.Connection, send: SendRow, detail: str) -> None:
    """End a send that left without an answer: its reservation stays until somebody resolves it."""
    _end(connection, send, state="in_doubt", cost_micro=0, detail=detail)
    log(connection, "in_doubt", send.id, detail)


def recover(connection: sqlite3.Connection, answered: frozenset[str]) -> list[SendRow]:
    """After a crash, end the sends of the dead engine; `answered` are those whose reply lies in the inbox.

    Returns:
        The sends that are now in doubt.
    """
    doubtful: list[SendRow] = []
    for send in _sends(connection, "state IN ('intent', 'submitted')", ()):
        if send.id in answered:
            continue  # the next ask for this call adopts the reply
        if send.remote_id is not None and not _nobody_asks(connection, send.call):
            continue  # the next ask for this call polls for the reply
        if send.repeatable:
            _free(connection, send, state="repeated", detail="the engine ended; free to repeat")
        else:
            put_in_doubt(connection, send, "the engine ended before an answer was stored")
            doubtful.append(send)
    return doubtful


def abandon(connection: sqlite3.Connection, answered: frozenset[str]) -> None:
    """After a build that finished all it could, doubt what still lies at a provider: nobody asks for it any more."""
    for send in _sends(connection, "state = 'submitted'", ()):
        if send.id not in answered:
            put_in_doubt(connection, send, "nothing asks for its result any more")


def _nobody_asks(connection: sqlite3.Connection, call: str) -> bool:
    """Say whether no lane that the recipe names can ask a call again: its lq has none that is open."""
    return (
        connection.execute(
            "SELECT 1 FROM call JOIN lane AS owner ON owner.id = call.lane WHERE call.key = ? AND NOT EXISTS "
            "(SELECT 1 FROM lane WHERE lane.lq = owner.lq AND lane.closed = 0)",
            (call,),
        ).fetchone()
        is not None
    )


def allow_retries(connection: sqlite3.Connection, allowance_micro: int) -> list[SendRow]:
    """Let calls in doubt be sent once more, oldest first, while the doubtful sends' worst cases fit the allowance.

    Retries allowed earlier count against it. The doubtful send itself stays in doubt: it may be on the bill.
    """
    used = sum(send.reserved_micro for send in sends_in_doubt(connection) if send.retried)
    doubtful = _sends(
        connection,
        "state = 'in_doubt' AND call IN (SELECT key FROM call JOIN lane AS owner ON owner.id = call.lane "
        "JOIN lane AS asking ON asking.lq = owner.lq AND asking.closed = 0 "
        "WHERE call.state = 'open' AND (asking.id = owner.id OR owner.closed = 1)) "
        "ORDER BY began_at, id",
        (),
    )
    allowed: list[SendRow] = []
    for send in doubtful:
        if send.retried or used + send.reserved_micro > allowance_micro:
            continue
        used += send.reserved_micro
        connection.execute("UPDATE send SET retried = 1 WHERE id = ?", (send.id,))
        log(connection, "retry_allowed", send.id, f"{send.reserved_micro} micro-dollars at risk")
        allowed.append(send)
    return allowed


def withdraw_retries(connection: sqlite3.Connection) -> None:
    """Take back what an earlier run allowed to be retried and never sent: the present run decides anew."""
    connection.execute(
        "UPDATE send SET retried = 0 WHERE state = 'in_doubt' AND retried = 1 AND NOT EXISTS "
        "(SELECT 1 FROM send AS later WHERE later.call = send.call AND later.number > send.number)"
    )


def spend(connection: sqlite3.Connection) -> Spend:
    """Say where the money stands."""
    settled, reserved = connection.execute(
        "SELECT settled_micro, reserved_micro FROM spend"
    ).fetchone()
    doubtful, count = connection.execute(
        "SELECT coalesce(sum(reserved_micro), 0), count(*) FROM send WHERE state = 'in_doubt'"
    ).fetchone()
    return Spend(settled / MICRO, (reserved - doubtful) / MICRO, doubtful / MICRO, count)


def log(connection: sqlite3.Connection, kind: str, subject: str, detail: str) -> None:
    """Append an event; events are never changed."""
    connection.execute(
        "INSERT INTO event (at, kind, subject, detail) VALUES (?, ?, ?, ?)",
        (time.time(), kind, subject, detail),
    )


def _check_budget(
    connection: sqlite3.Connection, reserve_micro: int, budget_micro: int | None
) -> None:
    if budget_micro is None:
        return
    (committed,) = connection.execute("SELECT settled_micro + reserved_micro FROM spend").fetchone()
    if committed + reserve_micro > budget_micro:
        raise BudgetError(
            f"the next send may cost {reserve_micro / MICRO:.4f} USD; {committed / MICRO:.4f} of "
            f"{budget_micro / MICRO:.4f} USD are spent, reserved or in doubt. Raise --budget to go on"
        )


def _free(connection: sqlite3.Connection, send: SendRow, *, state: SendState, detail: str) -> None:
    _end(connection, send, state=state, cost_micro=0, detail=detail)
    connection.execute(
        "UPDATE spend SET reserved_micro = reserved_micro - ?", (send.reserved_micro,)
    )


def _move(connection: sqlite3.Connection, send: SendRow, cost_micro: int) -> None:
    """Turn a send's reservation into what it cost, beyond what was booked already."""
    connection.execute(
        "UPDATE spend SET reserved_micro = reserved_micro - ?, settled_micro = settled_micro + ?",
        (send.reserved_micro, cost_micro - send.cost_micro),
    )


def _end(
    connection: sqlite3.Connection,
    send: SendRow,
    *,
    state: SendState,
    cost_micro: int,
    detail: str | None,
) -> None:
    changed = connection.execute(
        "UPDATE send SET state = ?, cost_micro = ?, detail = ?, ended_at = ? "
        "WHERE id = ? AND state IN ('intent', 'submitted')",
        (state, cost_micro, detail, time.time(), send.id),
    ).rowcount
    assert changed == 1, f"send {send.id} ended twice"


def _sends(connection: sqlite3.Connection, where: str, values: tuple[str, ...]) -> list[SendRow]:
    rows = connection.execute(
        "SELECT id, call, number, state, repeatable, reserved_micro, cost_micro, retried, remote_id, "
        f"detail FROM send WHERE {where}",
        values,
    )
    return [
        SendRow(i, call, n, state, bool(free), reserved, cost, bool(retried), remote, detail)
        for i, call, n, state, free, reserved, cost, retried, remote, detail in rows
    ]
