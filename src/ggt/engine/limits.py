"""How much may be under way at once, per (provider, model), across all stages and batches, and who asked to wait."""

import asyncio
import time
from collections.abc import Callable, Mapping

WORTH_TELLING_S = 10.0
"""A shorter wait is nobody's business; ours."""


def _tell_nobody(who: str, until: float) -> None:
    """Say nothing."""


class Limits:
    """One semaphore a key; a key that nobody named gets the default.

    `on_wait(key, until)` is called when a provider asks for a long wait; `until` is in seconds since the epoch.
    """

    def __init__(
        self,
        default: int,
        named: Mapping[str, int] | None = None,
        *,
        on_wait: Callable[[str, float], None] = _tell_nobody,
    ) -> None:
        self._default = default
        self._named = dict(named or {})
        self._slots: dict[str, asyncio.Semaphore] = {}
        self._on_wait = on_wait
        self._told: dict[str, float] = {}

    def slot(self, key: str) -> asyncio.Semaphore:
        """Return what to hold (`async with`) while a send is under way."""
        if key not in self._slots:
            self._slots[key] = asyncio.Semaphore(self._named.get(key, self._default))
        return self._slots[key]

    def note_wait(self, key: str, seconds: float) -> None:
        """Tell of a long wait, once for all sends that wait about as long."""
        until = time.time() + seconds
        if seconds >= WORTH_TELLING_S and until > self._told.get(key, 0.0) + WORTH_TELLING_S:
            self._told[key] = until
            self._on_wait(key, until)
