"""`ggt calls`: the ledger, readable: every send to a provider, and what an accepted pair cost."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ggt.cli._output import AsJson, JsonValue, emit_json, emit_table, emit_text

if TYPE_CHECKING:
    from ggt.stages.spending import Share, Spending
    from ggt.store.costs import Listed

NUM_SHOWN = 40


def calls(
    workspace: Annotated[Path, typer.Argument(help="A folder that `ggt build` made.")],
    in_doubt: Annotated[
        bool, typer.Option("--in-doubt", help="Only sends that may have been billed unanswered.")
    ] = False,
    resolve: Annotated[
        str | None,
        typer.Option(help="hold: none is sent again; retry: the next build may send them again."),
    ] = None,
    allowance: Annotated[
        float, typer.Option(help="Dollars that --resolve retry may pay twice.")
    ] = 0.0,
    all_of_them: Annotated[
        bool, typer.Option("--all", help="List every send, not only the latest.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """List what was sent to providers and what came of it, and what an accepted pair cost.

    In JSON, one line a send and a last one with the spending. Reading changes nothing; --resolve writes what becomes of
    sends in doubt, while no build runs.

    Example: ggt calls my-dataset --in-doubt --resolve retry --allowance 2.50
    """
    from ggt.stages.resolve import resolve as run_resolve
    from ggt.stages.spending import spending
    from ggt.store.costs import each_send
    from ggt.store.workspace import open_readonly

    if resolve is not None:
        num = run_resolve(workspace, resolve, allowance_usd=allowance)
        if not as_json:
            emit_text(f"{num} sends in doubt: {resolve}. Build again to go on.")
    with open_readonly(workspace) as reading:
        found = list(each_send(reading.ledger, in_doubt=in_doubt))
        spent = spending(reading)
    if as_json:
        for send in found:
            emit_json(_as_json(send))
        emit_json({"spending": spending_json(spent)})
        return
    _print(found if all_of_them else found[-NUM_SHOWN:], len(found))
    print_spending(spent)


def _print(shown: "list[Listed]", num_all: int) -> None:
    rows = [
        [
            time.strftime("%m-%d %H:%M:%S", time.localtime(send.began_at)),
            send.state + (" (retried)" if send.retried else ""),
            send.stage,
            send.version or send.model,
            f"{send.attempt}.{send.number}",
            f"{send.cost_usd:.4f}" if send.state != "in_doubt" else f"? {send.reserved_usd:.4f}",
            send.photo or "",
            send.detail or "",
        ]
        for send in shown
    ]
    columns = ["began", "state", "for", "model", "attempt.send", "USD", "photo", "detail"]
    emit_table(f"{len(shown)} of {num_all} sends", columns, rows)


def print_spending(spent: "Spending") -> None:
    """Print what an accepted pair cost, when anything did."""
    from ggt.stages.spending import named_shares

    rows = [_row(what, share) for what, share in named_shares(spent)]
    if rows:
        columns = ["", "spent USD", "pairs", "USD a pair"]
        emit_table("what an accepted pair cost", columns, rows)


def _row(what: str, share: "Share") -> list[str]:
    each = share.usd_per_pair
    return [
        what,
        f"{share.spent_usd:.4f}",
        str(share.num_pairs),
        "-" if each is None else f"{each:.4f}",
    ]


def spending_json(spent: "Spending") -> JsonValue:
    """Write a workspace's money for machines."""

    def shares(found: "tuple[Share, ...]") -> JsonValue:
        return {
            share.name: {
                "spent_usd": share.spent_usd,
                "pairs": share.num_pairs,
                "usd_per_pair": share.usd_per_pair,
            }
            for share in found
        }

    return {
        "spent_usd": spent.whole.spent_usd,
        "pairs": spent.whole.num_pairs,
        "usd_per_pair": spent.whole.usd_per_pair,
        "by_category": shares(spent.by_category),
        "by_restorer": shares(spent.by_restorer),
        "by_attempt": shares(spent.by_attempt),
        "by_stage": shares(spent.by_stage),
    }


def _as_json(send: "Listed") -> JsonValue:
    return {
        "send": send.send,
        "call": send.call,
        "number": send.number,
        "state": send.state,
        "stage": send.stage,
        "model": send.model,
        "version": send.version,
        "attempt": send.attempt,
        "sample": send.sample,
        "vote": send.vote,
        "photo": send.photo,
        "restorer": send.restorer,
        "cost_usd": send.cost_usd,
        "reserved_usd": send.reserved_usd,
        "retried": send.retried,
        "remote_id": send.remote_id,
        "detail": send.detail,
        "began_at": send.began_at,
        "ended_at": send.ended_at,
    }
