"""Build: from a folder of photos to pairs, resumable at any moment."""

import asyncio
import sqlite3
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass

from ggt.engine.ask import Asker, Policy
from ggt.engine.inbox import Inbox
from ggt.engine.limits import Limits
from ggt.engine.pool import Pool
from ggt.engine.scheduler import Work, drain
from ggt.engine.stop import Stop, stop_on_interrupt
from ggt.errors import StopRunError
from ggt.settings.recipe import Recipe
from ggt.stages import attempts, collect
from ggt.stages.attempts import Bench
from ggt.stages.drift import Probing
from ggt.stages.preflight import check_services
from ggt.stages.prepare import (
    BuildRequest,
    book_replies,
    check_recipe,
    drift_epoch,
    forget_resolved,
    prepare,
    same_folder,
)
from ggt.stages.restore import Workshop
from ggt.stages.services import Clients, ceilings
from ggt.store import calls, lanes, photos
from ggt.store.database import Database
from ggt.store.decisions import Decision, Decisions
from ggt.store.workspace import Layout, hold, note_wait

Advance = Callable[[str, int, int], None]
"""`advance(what, done, total)`: called as work gets done, for whoever shows progress."""


def _in_silence(what: str, done: int, total: int) -> None:
    """Show nothing."""


def build(request: BuildRequest, *, advance: Advance = _in_silence) -> StopRunError | None:
    """Run a build until nothing is left to do, or until it must stop; returns why it stopped early.

    Raises:
        UsageError: nothing can be done with this request; nothing was changed.
        ReopenError: the recipe changed and `reopen` was not given.
        StorageError: the workspace cannot be written.
    """
    check_services(request.recipe)
    with hold(request.out) as layout:
        parts = _Parts(
            layout,
            Database(layout.ledger),
            Decisions(layout.decisions),
            Inbox(layout.inbox),
        )
        try:
            same_folder(parts.database, request)
            check_recipe(parts.database, request)
            collect.list_photos(
                parts.database,
                request.folder,
                stated=request.stated,
                settings=request.recipe.ingest,
            )
            prepare(parts.database, parts.inbox, request)
            return asyncio.run(_run(request, parts, advance))
        except KeyboardInterrupt:
            return StopRunError("interrupted before anything was under way; run again to go on")
        finally:
            parts.inbox.close()
            parts.decisions.close()
            parts.database.close()


@dataclass(frozen=True, slots=True)
class _Parts:
    """What is open while a build runs."""

    layout: Layout
    database: Database
    decisions: Decisions
    inbox: Inbox


async def _run(request: BuildRequest, parts: _Parts, advance: Advance) -> StopRunError | None:
    stop = Stop()
    pool = Pool(stop, request.num_processes)
    with stop_on_interrupt(stop):
        try:
            async with AsyncExitStack() as stack:
                bench = _bench(request.recipe, parts, pool, stop, Clients(stack), advance=advance)
                await collect.ingest_new(request.folder, bench, advance)
                if not stop.requested:
                    await collect.open_lanes(parts.database, request.recipe, request.excluded)
                    bench.probing.check()
                    parts.database.write_now(forget_resolved)
                    await _run_lanes(bench, advance)
        except StopRunError as reason:
            stop.request(reason)
        finally:
            pool.close()
    answered = book_replies(parts.database, parts.inbox)
    if not stop.requested:
        parts.database.write_now(lambda c: calls.abandon(c, answered))
    parts.database.write_now(lanes.give_back_running)
    return stop.reason


def _bench(
    recipe: Recipe,
    parts: _Parts,
    pool: Pool,
    stop: Stop,
    clients: Clients,
    *,
    advance: Advance,
) -> Bench:
    workshop = Workshop(
        asker=_asker(recipe, parts, stop, advance),
        pool=pool,
        clients=clients,
        blobs=parts.layout.blobs,
        side=recipe.ingest.side,
    )
    epoch = parts.database.read(drift_epoch)
    return Bench(
        database=parts.database,
        decisions=parts.decisions,
        workshop=workshop,
        probing=Probing(parts.database, workshop, recipe, epoch=epoch),
        stop=stop,
        recipe=recipe,
    )


_WINDOW_S = 61.0
"""A second more than the provider's minute: between the turn and its arrival there lies a commit and an upload."""


def _asker(recipe: Recipe, parts: _Parts, stop: Stop, advance: Advance) -> Asker:
    policy = Policy(budget_usd=recipe.budget.usd, num_resends=recipe.restore.num_resends)
    limits = Limits(
        recipe.budget.num_under_way,
        ceilings(recipe),
        stop=stop,
        window_s=_WINDOW_S,
        on_wait=tell_wait(parts.database, advance),
        on_change=_log_change(parts.database),
    )
    return Asker(parts.database, parts.inbox, policy=policy, limits=limits, stop=stop)


def _log_change(database: Database) -> Callable[[str, int, int, str], None]:
    """Make what writes every change of a limit down."""

    def log(who: str, old: int, new: int, why: str) -> None:
        detail = f"{old} -> {new} under way: {why}"
        database.write_soon(lambda c: calls.log(c, "limit", who, detail))

    return log


def tell_wait(database: Database, advance: Advance) -> Callable[[str, float], None]:
    """Make what shows a provider's long wait to whoever watches the build, and to `ggt status`."""

    def tell(who: str, until: float) -> None:
        database.write_soon(lambda c: note_wait(c, who, until))
        clock = time.strftime("%Y-%m-%d %H:%M", time.localtime(until))
        advance(f"{who} asked to wait until {clock}", 0, 1)

    return tell


async def _run_lanes(bench: Bench, advance: Advance) -> None:
    said = _decided(bench.decisions)
    await bench.database.write(lambda c: _wake_decided(c, said, bench.recipe))
    counts = bench.database.read(lanes.count_by_state)
    total = counts.get("ready", 0)
    done = 0

    def on_done(count: int) -> None:
        nonlocal done
        done += count
        advance("restore and assess", done, total)

    advance("restore and assess", 0, total)
    work = Work(
        claim=lambda limit: bench.database.write(lambda c: lanes.claim(c, "engine", limit)),
        process=lambda lane: attempts.run_lane(bench, lane),
        fail=lambda lane, error: attempts.record_failure(bench, lane, error),
        num_under_way=_num_under_way(bench),
    )
    await drain(work, bench.stop, on_done=on_done)


def _num_under_way(bench: Bench) -> int:
    """Keep enough lanes moving to fill the pool and every provider's limit, no more."""
    most = sum(ceiling.most for ceiling in ceilings(bench.recipe).values())
    return 4 * bench.workshop.pool.num_processes + most


def _decided(decisions: Decisions) -> dict[str, list[Decision]]:
    found: dict[str, list[Decision]] = {}
    for decision in decisions.all():
        found.setdefault(decision.lq, []).append(decision)
    return found


def _wake_decided(
    connection: sqlite3.Connection, said: dict[str, list[Decision]], recipe: Recipe
) -> None:
    """Let lanes go on of which people asked for more, and follow people's accepts and rejects."""
    for pixel_hash, decisions in said.items():
        lq = photos.lq_by_pixels(connection, pixel_hash)
        for lane in lanes.lanes_of(connection, lq.id) if lq else []:
            if lane.state in ("in_doubt", "ready", "failed"):
                continue
            state = attempts.after(
                lanes.attempts_of(connection, lane),
                refused=lane.state == "refused",
                decisions=decisions,
                recipe=recipe,
            )
            if state != lane.state:
                lanes.set_state(connection, lane.id, state)
