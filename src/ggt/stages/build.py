"""Build: from a folder of photos to pairs, resumable at any moment."""

import asyncio
import os
import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from ggt.engine.ask import Asker, Policy
from ggt.engine.inbox import Inbox
from ggt.engine.limits import Limits
from ggt.engine.pool import Pool
from ggt.engine.scheduler import Work, drain
from ggt.engine.stop import Stop, stop_on_interrupt
from ggt.errors import StopRunError, UsageError
from ggt.restorers import LocalRestorer
from ggt.settings.recipe import Recipe, changed_tables
from ggt.stages import attempts, collect
from ggt.stages.attempts import Bench
from ggt.stages.restore import load_restorer
from ggt.store import calls, lanes, photos
from ggt.store.database import Database
from ggt.store.decisions import Decision, Decisions
from ggt.store.workspace import Layout, get_meta, hold, note_wait, set_meta, stored_recipe
from ggt.types import Photo

Advance = Callable[[str, int, int], None]
"""`advance(what, done, total)`: called as work gets done, for whoever shows progress."""


@dataclass(frozen=True, slots=True)
class BuildRequest:
    """What a user asks of one build.

    `stated` holds source, author and licence for photos whose sidecar says nothing; `excluded` are folders of public
    test sets that must not come in.
    """

    folder: Path
    out: Path
    recipe: Recipe
    stated: Photo = field(default_factory=lambda: Photo(path=""))
    excluded: tuple[Path, ...] = ()
    num_processes: int | None = None
    reopen: bool = False
    """Whether a changed recipe may reopen what was finished."""
    retry_failed: bool = False
    """Whether photos and lanes that failed are tried once more."""


def _in_silence(what: str, done: int, total: int) -> None:
    """Show nothing."""


class ReopenError(UsageError):
    """The recipe differs from the workspace's: going on reopens finished stages, so it is asked first."""


def build(request: BuildRequest, *, advance: Advance = _in_silence) -> StopRunError | None:
    """Run a build until nothing is left to do, or until it must stop; returns why it stopped early.

    Raises:
        UsageError: nothing can be done with this request; nothing was changed.
        ReopenError: the recipe changed and `reopen` was not given.
        StorageError: the workspace cannot be written.
    """
    check_names(request.recipe)
    with hold(request.out) as layout:
        parts = _Parts(
            layout,
            Database(layout.ledger),
            Decisions(layout.decisions),
            Inbox(layout.inbox),
        )
        try:
            _same_folder(parts.database, request)
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


def _same_folder(database: Database, request: BuildRequest) -> None:
    """Keep one workspace to one folder of photos: the paths of another one would mean other pictures."""
    here = request.folder.resolve()
    beside = os.path.relpath(here, request.out.resolve())
    known = database.read(lambda c: get_meta(c, "folder"))
    known_beside = database.read(lambda c: get_meta(c, "folder beside"))
    moved_together = known_beside == beside
    if known not in (None, str(here)) and not moved_together and Path(str(known)).is_dir():
        raise UsageError(
            f"this workspace was made from {known!r}, and {str(here)!r} is another folder: use another "
            "--out (a folder that was moved is recognised once the old one is gone)"
        )

    def remember(connection: sqlite3.Connection) -> None:
        set_meta(connection, "folder", str(here))
        set_meta(connection, "folder beside", beside)

    database.write_now(remember)


def check_names(recipe: Recipe) -> None:
    """Find a misspelt restorer or prompt before anything is done.

    Raises:
        UnknownPluginError: no such name.
    """
    for lane in recipe.lanes:
        load_restorer(lane.restorer)
        attempts.load_strategy(lane.prompt)


def prepare(database: Database, inbox: Inbox, request: BuildRequest) -> None:
    """Bring the ledger to where this build can go on: settle what a crash left, apply the recipe."""
    answered = book_replies(database, inbox)
    database.write_now(lambda c: calls.recover(c, answered))
    database.write_now(calls.withdraw_retries)
    database.write_now(lanes.give_back_running)
    under_way = {send.id for send in database.read(calls.sends_under_way)}
    for send in answered - under_way:
        inbox.forget(send)  # the crash came between the commit and the removal
    _apply_recipe(database, request.recipe)
    if request.retry_failed:
        database.write_now(photos.retry_failed)
        database.write_now(lanes.retry_failed)
    budget = request.recipe.budget
    if budget.in_doubt == "retry":
        allowance = calls.micro(budget.in_doubt_allowance_usd)
        database.write_now(lambda c: calls.allow_retries(c, allowance))
        database.write_now(lanes.ready_after_retry)


def book_replies(database: Database, inbox: Inbox) -> frozenset[str]:
    """Count the cost of replies that lie in the inbox and were not read yet; returns their sends."""
    answered = inbox.answered()

    def book(connection: sqlite3.Connection) -> None:
        for send in calls.sends_under_way(connection):
            received = inbox.read(send.id) if send.id in answered else None
            if received is not None:
                calls.book(connection, send, calls.micro(received.cost_usd))

    database.write_now(book)
    return answered


def check_recipe(database: Database, request: BuildRequest) -> None:
    """Find a recipe that this workspace cannot go on with before anything is done.

    Raises:
        UsageError: it would derive other lqs.
        ReopenError: it reopens what is finished, and `reopen` was not given.
    """
    changed = _changed(database, request.recipe)
    if "ingest" in changed:
        raise UsageError(
            "the recipe's table [ingest] differs from this workspace's, and an lq is never derived "
            "again: use another --out, or the recipe that the workspace was made with"
        )
    reopening = _reopening(changed)
    if reopening and not request.reopen:
        raise ReopenError(
            f"the recipe's {', '.join(f'[{name}]' for name in reopening)} changed: every lane would be "
            "assessed again, finished calls answered from the ledger. Add --reopen to do that"
        )


def _changed(database: Database, recipe: Recipe) -> list[str]:
    old = stored_recipe(database)
    return changed_tables(old, recipe) if old else []


def _reopening(changed: list[str]) -> list[str]:
    return [name for name in changed if name in ("restore", "quality")]


def _apply_recipe(database: Database, recipe: Recipe) -> None:
    """Store the recipe; reopen what a changed table concerns."""
    reopening = _reopening(_changed(database, recipe))
    names = recipe.lane_names()

    def apply(connection: sqlite3.Connection) -> None:
        set_meta(connection, "recipe", recipe.model_dump_json())
        if reopening:
            lanes.reopen_all(connection)
            calls.log(connection, "reopened", ",".join(reopening), "changed recipe")
        lanes.close_other_lanes(connection, names)
        lanes.open_everywhere(connection, names)

    database.write_now(apply)


async def _run(request: BuildRequest, parts: _Parts, advance: Advance) -> StopRunError | None:
    stop = Stop()
    pool = Pool(stop, request.num_processes)
    with stop_on_interrupt(stop):
        try:
            bench = Bench(
                database=parts.database,
                decisions=parts.decisions,
                asker=_asker(request.recipe, parts, stop, advance),
                pool=pool,
                stop=stop,
                blobs=parts.layout.blobs,
                recipe=request.recipe,
            )
            await collect.ingest_new(request.folder, bench, advance)
            if not stop.requested:
                await collect.open_lanes(parts.database, request.recipe, request.excluded)
                await _run_lanes(bench, advance)
        except StopRunError as reason:
            stop.request(reason)
        finally:
            pool.close()
    book_replies(parts.database, parts.inbox)
    parts.database.write_now(lanes.give_back_running)
    return stop.reason


def _asker(recipe: Recipe, parts: _Parts, stop: Stop, advance: Advance) -> Asker:
    policy = Policy(budget_usd=recipe.budget.usd, num_resends=recipe.restore.num_resends)
    limits = Limits(recipe.budget.num_under_way, on_wait=tell_wait(parts.database, advance))
    return Asker(parts.database, parts.inbox, policy=policy, limits=limits, stop=stop)


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
    restorers = {lane.restorer for lane in bench.recipe.lanes}
    remote = [name for name in restorers if not isinstance(load_restorer(name), LocalRestorer)]
    return 4 * bench.pool.num_processes + len(remote) * bench.recipe.budget.num_under_way


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
