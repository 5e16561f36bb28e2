"""Status: the funnel, the money, and what waits for whom."""

import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ggt.engine.inbox import stored_replies
from ggt.errors import StopRunError
from ggt.stages.drift import Detection, detections
from ggt.stages.outcomes import fates
from ggt.stages.spending import Spending, spending
from ggt.store import calls, lanes, photos
from ggt.store.calls import SendRow, Spend
from ggt.store.probes import probes_of
from ggt.store.workspace import Reading, is_held, open_readonly, waits


@dataclass(frozen=True, slots=True)
class Status:
    """What a workspace holds now; `fates` counts (stage, reason), `failures` names what failed and why.

    `closed_failures` are those of lanes that the recipe no longer names: on record, and no longer in the way.
    """

    fates: Mapping[tuple[str, str], int]
    num_photos: int
    spend: Spend
    in_doubt: tuple[SendRow, ...]
    failures: tuple[tuple[str, str], ...]
    closed_failures: tuple[tuple[str, str], ...]
    being_built: bool
    spending: Spending
    detections: tuple[Detection, ...]
    """What the judging vlms made of the sentinels."""
    drift: tuple[tuple[str, str], ...]
    """(model, what had moved) of the drift that nobody has accepted yet."""
    waits: tuple[tuple[str, float], ...]
    """(provider/model, seconds since the epoch until which it asked the running build to wait)."""

    def count(self, stage: str) -> int:
        """Count what stands at a stage."""
        return sum(count for (name, _), count in self.fates.items() if name == stage)


def read_status(folder: Path) -> Status:
    """Read a workspace, also while it is being built.

    Raises:
        WorkspaceError: not a workspace, or one of a newer version.
    """
    with open_readonly(folder) as reading:
        failed = photos.find_photos(reading.ledger, "failed")
        held = is_held(folder)
        (num_photos,) = reading.ledger.execute("SELECT count(*) FROM photo").fetchone()
        return Status(
            fates=Counter((fate.stage, fate.reason) for fate in fates(reading)),
            num_photos=num_photos,
            spend=calls.spend(reading.ledger),
            in_doubt=_in_doubt(reading, held=held),
            failures=(
                *((row.path, row.detail or row.reason or "") for row in failed),
                *lanes.failures(reading.ledger, closed=False),
            ),
            closed_failures=tuple(lanes.failures(reading.ledger, closed=True)),
            spending=spending(reading),
            detections=tuple(detections(probes_of(reading.ledger))),
            drift=tuple(_drift(reading)),
            being_built=held,
            waits=tuple(waits(reading.ledger, time.time())) if held else (),
        )


def _drift(reading: Reading) -> Iterator[tuple[str, str]]:
    """Yield what had moved when drift paused the last build, unless it was accepted since."""
    rows = reading.ledger.execute(
        "SELECT subject, detail FROM event WHERE kind = 'drift' AND seq > (SELECT coalesce(max(seq), 0) "
        "FROM event WHERE kind = 'drift_accepted') GROUP BY subject ORDER BY subject"
    )
    yield from rows


def _in_doubt(reading: Reading, *, held: bool) -> tuple[SendRow, ...]:
    """List the sends in doubt; those of an engine that was killed are, though no build has said so yet."""
    known = calls.sends_in_doubt(reading.ledger)
    if held:
        return tuple(known)
    answered = stored_replies(reading.layout.inbox)
    orphans = [
        send
        for send in calls.sends_under_way(reading.ledger)
        if not (send.repeatable or send.id in answered or send.remote_id)
    ]
    return (*known, *orphans)


def exit_code(status: Status, stopped: StopRunError | None) -> int:
    """Say how a build ended: 3 stopped early, 1 with failures listed, 0 done or waiting for people."""
    if stopped is not None:
        return stopped.exit_code
    return 1 if status.failures else 0
