"""Prepare: what a build is asked for, and bringing its ledger to where it can go on."""

import os
import sqlite3
from dataclasses import dataclass, field
from pathlib import Path

from ggt.engine.inbox import Inbox
from ggt.errors import UsageError
from ggt.settings.lanes import BudgetSettings
from ggt.settings.recipe import Recipe, changed_tables
from ggt.stages.attempts import KEPT_HERE
from ggt.store import calls, lanes, photos
from ggt.store.database import Database
from ggt.store.workspace import get_meta, set_meta, stored_recipe
from ggt.types import Photo


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
    accept_drift: bool = False
    """Whether what a model does now is taken as usual, after drift paused a build."""


class ReopenError(UsageError):
    """The recipe differs from the workspace's: going on reopens finished stages, so it is asked first."""


def same_folder(database: Database, request: BuildRequest) -> None:
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
    if request.accept_drift:
        database.write_now(_begin_epoch)
    if request.retry_failed:
        database.write_now(photos.retry_failed)
        database.write_now(lanes.retry_failed)
    budget = database.read(lambda c: _budget(c, request.recipe.budget))
    if budget.in_doubt == "retry":
        allowance = calls.micro(budget.in_doubt_allowance_usd)
        database.write_now(lambda c: calls.allow_retries(c, allowance))
        database.write_now(lanes.ready_after_retry)


def _budget(connection: sqlite3.Connection, budget: BudgetSettings) -> BudgetSettings:
    """Take what was said of sends in doubt since the last build over the recipe's word."""
    said = get_meta(connection, RESOLVED)
    return BudgetSettings.model_validate_json(said) if said else budget


def forget_resolved(connection: sqlite3.Connection) -> None:
    """Take back what was said of sends in doubt, once a build has come to act on it."""
    set_meta(connection, RESOLVED, "")


RESOLVED = "resolved doubts"
"""The ledger's note of what was said of sends in doubt since the last build."""
_EPOCH = "drift epoch"


def drift_epoch(connection: sqlite3.Connection) -> int:
    """Count how often somebody accepted what had moved: only probes of one epoch are compared."""
    return int(get_meta(connection, _EPOCH) or 0)


def _begin_epoch(connection: sqlite3.Connection) -> None:
    set_meta(connection, _EPOCH, str(drift_epoch(connection) + 1))
    calls.log(connection, "drift_accepted", str(drift_epoch(connection)), "")


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
    if "ingest" in _changed(database, request.recipe):
        raise UsageError(
            "the recipe's table [ingest] differs from this workspace's, and an lq is never derived "
            "again: use another --out, or the recipe that the workspace was made with"
        )
    reopening = _reopening(database, request.recipe)
    if reopening and not request.reopen:
        raise ReopenError(
            f"the recipe's {', '.join(f'[{name}]' for name in reopening)} changed: every lane would be "
            "assessed again, finished calls answered from the ledger. Add --reopen to do that"
        )


def _changed(database: Database, recipe: Recipe) -> list[str]:
    old = stored_recipe(database)
    return changed_tables(old, recipe) if old else []


def _reopening(database: Database, recipe: Recipe) -> list[str]:
    """Name the tables whose change concerns finished attempts."""
    old = stored_recipe(database)
    if old is None:
        return []
    changed = changed_tables(old, recipe)
    found = [name for name in changed if name in ("restore", "quality")]
    before, now = old.flags, recipe.flags
    looked = bool(before.no_upload or before.review) and before.vlm == now.vlm
    # Attempts carry the flags of their lq only where a recipe wanted any.
    return [*found, "flags"] if now.review and not looked else found


def _apply_recipe(database: Database, recipe: Recipe) -> None:
    """Store the recipe; reopen what a changed table concerns."""
    reopening = _reopening(database, recipe)
    names = recipe.lane_names()
    flags_changed = "flags" in _changed(database, recipe)

    def apply(connection: sqlite3.Connection) -> None:
        set_meta(connection, "recipe", recipe.model_dump_json())
        if flags_changed:
            photos.bring_back_all(connection, KEPT_HERE)
        if reopening:
            lanes.reopen_all(connection)
            calls.log(connection, "reopened", ",".join(reopening), "changed recipe")
        lanes.close_other_lanes(connection, names)
        lanes.open_everywhere(connection, names)

    database.write_now(apply)
