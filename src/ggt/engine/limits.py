"""How much may be under way at once, per (provider, model), across all stages and batches."""

import asyncio
from collections.abc import Mapping


class Limits:
    """One semaphore a key; a key that nobody named gets the default."""

    def __init__(self, default: int, named: Mapping[str, int] | None = None) -> None:
        self._default = default
        self._named = dict(named or {})
        self._slots: dict[str, asyncio.Semaphore] = {}

    def slot(self, key: str) -> asyncio.Semaphore:
        """Return what to hold (`async with`) while a send is under way."""
        if key not in self._slots:
            self._slots[key] = asyncio.Semaphore(self._named.get(key, self._default))
        return self._slots[key]
