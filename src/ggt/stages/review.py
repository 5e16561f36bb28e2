"""Review: people's decisions in and out of a workspace; the web page will use the same store."""

import json
from collections.abc import Iterable
from pathlib import Path

from ggt.errors import UsageError
from ggt.stages.audit import to_audit
from ggt.stages.outcomes import ForPeople, for_people
from ggt.store import schema
from ggt.store.decisions import Decisions, export_jsonl, import_jsonl
from ggt.store.workspace import Layout, open_readonly


def import_decisions(folder: Path, file: Path) -> int:
    """Add decisions from JSON lines, all or none; returns how many are new.

    Raises:
        UsageError: an unreadable file, a line that is no decision, or one about pixels that this workspace never made.
    """
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read {str(file)!r}: {error}") from None
    found = import_jsonl(text, str(file))
    layout = Layout(folder)
    ledger = schema.open_for_reading(layout.ledger)
    made = {
        (lq, candidate)
        for lq, candidate in ledger.execute(
            "SELECT lq.pixel_hash, attempt.pixel_hash FROM attempt "
            "JOIN lane ON lane.id = attempt.lane JOIN lq ON lq.id = lane.lq"
        )
    }
    ledger.close()
    for number, decision in enumerate(found, start=1):
        if (decision.lq, decision.candidate) not in made:
            raise UsageError(
                f"{str(file)!r} decision {number}: this workspace has no candidate "
                f"{decision.candidate!r} for lq {decision.lq!r}: a decision holds for the pixels seen only"
            )
    decisions = Decisions(layout.decisions)
    try:
        return decisions.add(found)
    finally:
        decisions.close()


def export_decisions(folder: Path) -> str:
    """Write every decision as a JSON line, oldest first."""
    with open_readonly(folder) as reading:
        return export_jsonl(reading.decisions.all())


def export_waiting(folder: Path) -> str:
    """Write a JSON line for each candidate that waits for a person, with the files to look at."""
    with open_readonly(folder) as reading:
        return _to_fill_in(reading.layout, for_people(reading))


def export_audit(folder: Path, count: int) -> str:
    """Write a JSON line for each undecided pair among the first `count` drawn by lot, with the files to look at."""
    with open_readonly(folder) as reading:
        return _to_fill_in(reading.layout, to_audit(reading, count))


def _to_fill_in(layout: Layout, found: Iterable[ForPeople]) -> str:
    lines: list[dict[str, str | list[str]]] = [
        {
            "lq": row.lq,
            "candidate": row.candidate,
            "choice": "",
            "reviewer": "",
            "at": "",
            "reasons": [],
            "note": "",
            "photo": row.photo,
            "lq_file": str(layout.blob_path(row.lq_blob)),
            "candidate_file": str(layout.blob_path(row.candidate_blob)),
        }
        for row in found
    ]
    return "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
