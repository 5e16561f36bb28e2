"""The simulated provider's own bill: one JSON line for every request that was read, written before its reply leaves."""

import hashlib
import json
import math
import os
import threading
from collections import Counter
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TypedDict

from ggt.errors import UsageError
from ggt.models import Model, Price, Terms, Usage, cost_usd
from ggt.simulator.wire import Asked, row_of

_OURS = "chosen for the simulated provider, no vendor's price"
UNLISTED = Model(
    kind="mfm",
    title="a model that models.toml does not list",
    provider="simulated",
    id="unlisted",
    open_weights=False,
    choice="ours",
    licence="closed",
    watermark="none",
    terms=Terms(as_of=date(2026, 11, 24), source=_OURS, may_train="no", note="a simulation"),
    price=Price(
        as_of=date(2026, 11, 24),
        source=_OURS,
        per_image_usd=0.04,
        input_usd_per_mtok=2.0,
        output_usd_per_mtok=12.0,
    ),
)
"""What is charged for an id that no row has."""


@dataclass(frozen=True, slots=True)
class Line:
    """What became of one request; `fault` is empty for a plain answer, `send` the request id that the client chose."""

    at: str
    wire: str
    model: str
    request: int
    key_hash: str
    usd: float
    status: int
    fault: str
    input_sha: str
    send: str


class Totals(TypedDict):
    """What a bill comes to."""

    usd: float
    lines: int
    billed: int
    by_fault: dict[str, int]
    by_model_usd: dict[str, float]


class Bill:
    """Appends lines to a file that outlives every crash of the client, and of this process."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lines = _read(path)
        try:
            self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        except OSError as error:
            raise UsageError(f"cannot write the bill {str(path)!r}: {error.strerror}") from None
        self._lock = threading.Lock()

    @property
    def last_request(self) -> int:
        """The highest number of a request in the file: a restarted server counts on from it."""
        return max((line.request for line in self._lines), default=0)

    def add(self, line: Line) -> None:
        """Append one line, unbuffered."""
        with self._lock:
            os.write(self._file, (json.dumps(asdict(line)) + "\n").encode())
            self._lines.append(line)

    def totals(self) -> Totals:
        """Add up the whole file, earlier runs included."""
        with self._lock:
            lines = list(self._lines)
        models = sorted({line.model for line in lines})
        return {
            "usd": math.fsum(line.usd for line in lines),
            "lines": len(lines),
            "billed": sum(line.usd > 0 for line in lines),
            "by_fault": dict(sorted(Counter(line.fault or "none" for line in lines).items())),
            "by_model_usd": {
                model: math.fsum(line.usd for line in lines if line.model == model)
                for model in models
            },
        }

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)


def price_usd(asked: Asked, usage: Usage) -> float:
    """Say what is charged: by the row of models.toml with the id that was asked for, else by `UNLISTED`."""
    row = row_of(asked.model, asked.parameters) or UNLISTED
    return cost_usd(row, usage, num_images=usage.num_images)


def key_hash(key: str | None) -> str:
    """Shorten a key to what tells keys apart and nothing else."""
    return hashlib.sha256(key.encode()).hexdigest()[:12] if key else ""


def now() -> str:
    """Return the time for a line."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _read(path: Path) -> list[Line]:
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return []
    except OSError as error:
        raise UsageError(f"cannot read the bill {str(path)!r}: {error.strerror}") from None
    try:
        return [Line(**json.loads(line)) for line in text.splitlines()]
    except (ValueError, TypeError):
        raise UsageError(f"{str(path)!r} is not a bill of this server: name another file") from None
