"""Resolve: what becomes of sends in doubt, said outside a build; the next build acts on it, once."""

from pathlib import Path

from ggt.errors import UsageError
from ggt.settings.lanes import BudgetSettings
from ggt.stages.prepare import RESOLVED
from ggt.store import calls
from ggt.store.database import Database
from ggt.store.schema import open_for_reading
from ggt.store.workspace import Layout, hold, set_meta


def resolve(workspace: Path, choice: str, *, allowance_usd: float) -> int:
    """Write down `hold`, or `retry` with its allowance, for the next build; returns how many sends are in doubt.

    Raises:
        UsageError: neither word, or `retry` without any allowance.
        WorkspaceError: not a workspace, or one that is being built.
    """
    if choice not in ("hold", "retry"):
        raise UsageError(f"--resolve {choice!r} is neither hold nor retry")
    if choice == "retry" and allowance_usd <= 0:
        raise UsageError(
            "--resolve retry pays for some answers twice: say how much with --allowance USD"
        )
    open_for_reading(Layout(workspace).ledger).close()  # a folder that is no workspace stays none
    said = BudgetSettings(in_doubt=choice, in_doubt_allowance_usd=allowance_usd)
    with hold(workspace) as layout:
        database = Database(layout.ledger)
        try:
            database.write_now(lambda c: set_meta(c, RESOLVED, said.model_dump_json()))
            return len(database.read(calls.sends_in_doubt))
        finally:
            database.close()
