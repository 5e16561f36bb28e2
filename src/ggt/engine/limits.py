"""How much may be under way at once and leave in a minute, per (provider, model), across all stages and batches."""

import asyncio
import math
import time
from collections import deque
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Literal

from ggt.engine.stop import Stop

WORTH_TELLING_S = 10.0
"""A shorter wait is nobody's business; ours."""
_WINDOW_S = 60.0
_COOLDOWN_S = 15.0
_CUT = 0.8
"""What a provider's "too many" leaves of what is allowed; this and the growth below are ours."""
_GROWTH = 0.05
_IN_USE = 0.8
"""Nothing grows while less than this share of what is allowed is in use: more would not have been noticed."""


@dataclass(frozen=True, slots=True)
class Ceiling:
    """What one (provider, model) may be given; None: nobody stated it."""

    most: int
    """Sends under way at once, never more."""
    start: int | None = None
    """Begin with so many and adapt; None: `most` from the start, whatever the provider says."""
    requests_per_minute: int | None = None
    images_per_minute: int | None = None
    tokens_per_minute: int | None = None


@dataclass(frozen=True, slots=True)
class Load:
    """What one send counts for, beside being one request."""

    images: int = 0
    tokens: int = 0


_A_REQUEST = Load()

Heard = Literal["answered", "limited", "capacity", "troubled"]
"""What a send met: an answer, too many in a minute, the provider's own lack of room, another fault of its own."""
_WHY: Mapping[Heard, str] = {
    "answered": "all was answered",
    "limited": "the provider said that it was too much",
}


def _tell_nobody(who: str, until: float) -> None:
    """Say nothing."""


def _log_nothing(who: str, old: int, new: int, why: str) -> None:
    """Say nothing."""


class Limits:
    """One line for each key, first come, first served; a key that nobody named gets the default.

    `on_wait(key, until)` is called when a provider asks for a long wait; `until` is in seconds since the epoch.
    `on_change(key, old, new, why)` is called when another number of sends may be under way.
    """

    def __init__(  # noqa: PLR0913  # the last three are time, an argument for tests
        self,
        default: Ceiling | int,
        named: Mapping[str, Ceiling] | None = None,
        *,
        stop: Stop | None = None,
        on_wait: Callable[[str, float], None] = _tell_nobody,
        on_change: Callable[[str, int, int, str], None] = _log_nothing,
        clock: Callable[[], float] = time.monotonic,
        window_s: float = _WINDOW_S,
        cooldown_s: float = _COOLDOWN_S,
    ) -> None:
        self._default = Ceiling(default) if isinstance(default, int) else default
        self._named = dict(named or {})
        self._stop = stop
        self._on_wait = on_wait
        self._on_change = on_change
        self._clock = clock
        self._window_s = window_s
        self._cooldown_s = cooldown_s
        self._lines: dict[str, _Line] = {}
        self._told: dict[str, float] = {}
        self._num_waiting = 0
        self._watch: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def turn(self, who: str, load: Load = _A_REQUEST) -> AsyncGenerator[None]:
        """Wait until a send may leave, and count it as under way while inside.

        A stop ends every wait at once: whoever comes in looks at `stop` before sending.
        """
        line = self._line(who)
        may_leave = await self._wait(line, load)
        try:
            yield
        finally:
            if may_leave:
                line.leave()

    def heard(self, who: str, word: Heard, delay_s: float = 0.0) -> None:
        """Take in what a send met, while its turn is still held; `delay_s` is the wait that the provider asked for."""
        line = self._line(who)
        old = line.allowance.number
        line.heard(word, delay_s)
        if line.allowance.number != old:
            self._on_change(who, old, line.allowance.number, _WHY[word])

    def note_wait(self, who: str, seconds: float) -> None:
        """Tell of a long wait, once for all sends that wait about as long."""
        until = time.time() + seconds
        if seconds >= WORTH_TELLING_S and until > self._told.get(who, 0.0) + WORTH_TELLING_S:
            self._told[who] = until
            self._on_wait(who, until)

    def under_way(self, who: str) -> int:
        """Count the turns that are held."""
        return self._line(who).under_way

    def allowed(self, who: str) -> int:
        """Say how many turns may be held at once, as of now."""
        return self._line(who).allowance.number

    def _line(self, who: str) -> "_Line":
        if who not in self._lines:
            ceiling = self._named.get(who, self._default)
            allowance = _Allowance(ceiling, self._cooldown_s)
            self._lines[who] = _Line(allowance, _rates(ceiling, self._window_s), self._clock)
        return self._lines[who]

    async def _wait(self, line: "_Line", load: Load) -> bool:
        """Stand in line; False when a stop came first, and then nothing is held."""
        if self._stop is not None and self._stop.requested:
            return False
        place = line.join(load)
        if place.may_leave.done():
            return True
        self._num_waiting += 1
        if self._watch is None and self._stop is not None:
            self._watch = asyncio.create_task(self._dismiss_at(self._stop))
        try:
            return await place.may_leave
        except asyncio.CancelledError:
            line.abandon(place)
            raise
        finally:
            self._num_waiting -= 1
            if self._watch is not None and not self._num_waiting:
                self._watch.cancel()
                self._watch = None

    async def _dismiss_at(self, stop: Stop) -> None:
        """Send everybody home when the run shall end; it runs only while somebody waits."""
        await stop.wait(math.inf)
        for line in self._lines.values():
            line.dismiss()


class _Rate:
    """How much of one thing left within the last window: exact, so that no window of that length holds more."""

    def __init__(self, most: int, window_s: float) -> None:
        self._most = most
        self._window_s = window_s
        self._left: deque[tuple[float, int]] = deque()
        """When each amount no longer counts, and the amount."""
        self._total = 0

    def fits_at(self, amount: int, now: float) -> float:
        """Say from when on an amount fits; one above the bound fits alone, into an empty window."""
        if not amount:
            return now
        while self._left and self._left[0][0] <= now:
            self._total -= self._left.popleft()[1]
        surplus = self._total + amount - self._most
        at = now
        for ends, gone in self._left:
            if surplus <= 0:
                break
            surplus -= gone
            at = ends
        return at

    def add(self, amount: int, now: float) -> None:
        if amount:
            self._left.append((now + self._window_s, amount))
            self._total += amount

    def take_back(self, amount: int, began: float) -> None:
        if amount:
            self._left.remove((began + self._window_s, amount))
            self._total -= amount


def _rates(ceiling: Ceiling, window_s: float) -> list[tuple[_Rate, Callable[[Load], int]]]:
    """Pair each rate that somebody stated with what a load counts for in it."""
    stated: list[tuple[int | None, Callable[[Load], int]]] = [
        (ceiling.requests_per_minute, lambda _: 1),
        (ceiling.images_per_minute, lambda load: load.images),
        (ceiling.tokens_per_minute, lambda load: load.tokens),
    ]
    return [(_Rate(most, window_s), amount) for most, amount in stated if most is not None]


class _Allowance:
    """How many sends may be under way: doubled by each round until the provider first objects, then probed."""

    def __init__(self, ceiling: Ceiling, cooldown_s: float) -> None:
        self._most = ceiling.most
        self._adapts = ceiling.start is not None
        self.number = min(ceiling.start or ceiling.most, ceiling.most)
        self._cooldown_s = cooldown_s
        self._was_cut = False
        self._num_answered = 0
        self._cut_again_at = self._grow_again_at = -math.inf

    def answered(self, under_way: int, now: float) -> None:
        """Grow: by one an answer at first; once it was cut, by a little for each round of answers."""
        if now < self._grow_again_at or under_way < _IN_USE * self.number:
            return
        self._num_answered += 1
        if not self._was_cut:
            self._set(self.number + 1)
        elif self._num_answered >= self.number:
            self._set(self.number + max(1, int(_GROWTH * self.number)))

    def limited(self, delay_s: float, now: float) -> None:
        """Cut, once for all sends that met the same bound: they were under way together."""
        if self._adapts and now >= self._cut_again_at:
            self._was_cut = True
            self._cut_again_at = now + max(self._cooldown_s, delay_s)
            self._set(int(_CUT * self.number))
        self.pause(delay_s, now)

    def pause(self, delay_s: float, now: float) -> None:
        """Grow no further for a while; a fault of the provider's own is no reason to shrink."""
        self._num_answered = 0
        self._grow_again_at = max(self._grow_again_at, now + max(self._cooldown_s, delay_s))

    def _set(self, number: int) -> None:
        self.number = max(1, min(number, self._most))
        self._num_answered = 0


@dataclass(slots=True, eq=False)
class _Place:
    """Where one send stands in line; `may_leave` turns True, or False when everybody is sent home."""

    load: Load
    may_leave: "asyncio.Future[bool]"
    began: float = math.nan


class _Line:
    """Who waits for one key. No task serves it: whoever joins or leaves does, and a timer while a window is full."""

    def __init__(
        self,
        allowance: _Allowance,
        rates: list[tuple[_Rate, Callable[[Load], int]]],
        clock: Callable[[], float],
    ) -> None:
        self.allowance = allowance
        self.under_way = 0
        self._rates = rates
        self._clock = clock
        self._held_until = -math.inf
        self._places: deque[_Place] = deque()
        self._timer: asyncio.TimerHandle | None = None

    def join(self, load: Load) -> _Place:
        place = _Place(load, asyncio.get_running_loop().create_future())
        self._places.append(place)
        self._serve()
        return place

    def leave(self) -> None:
        self.under_way -= 1
        self._serve()

    def abandon(self, place: _Place) -> None:
        """Undo what a cancelled place took, even if its turn had just come."""
        if place.may_leave.cancelled():
            with suppress(ValueError):
                self._places.remove(place)
            self._serve()
        elif place.may_leave.result():
            for rate, amount in self._rates:
                rate.take_back(amount(place.load), place.began)
            self.leave()

    def dismiss(self) -> None:
        """Send everybody home without a turn."""
        places, self._places = self._places, deque()
        for place in places:
            if not place.may_leave.done():
                place.may_leave.set_result(False)
        self._serve()

    def heard(self, word: Heard, delay_s: float) -> None:
        now = self._clock()
        match word:
            case "answered":
                self.allowance.answered(self.under_way, now)
            case "limited":
                self.allowance.limited(delay_s, now)
            case "capacity" | "troubled":
                self.allowance.pause(delay_s, now)
        if word in ("limited", "capacity"):
            self._held_until = max(self._held_until, now + delay_s)
        self._serve()

    def _serve(self) -> None:
        """Let out, in order, whoever may leave; wake up again when the first of the rest may."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        while self._places and self.under_way < self.allowance.number:
            place = self._places[0]
            if not place.may_leave.done():  # its task was cancelled and has not run since
                now = self._clock()
                free_at = self._free_at(place.load, now)
                if free_at > now:
                    loop = asyncio.get_running_loop()
                    self._timer = loop.call_later(free_at - now, self._serve)
                    return
                self._let_out(place, now)
            self._places.popleft()

    def _free_at(self, load: Load, now: float) -> float:
        free_at = self._held_until
        for rate, amount in self._rates:
            free_at = max(free_at, rate.fits_at(amount(load), now))
        return free_at

    def _let_out(self, place: _Place, now: float) -> None:
        self.under_way += 1
        for rate, amount in self._rates:
            rate.add(amount(place.load), now)
        place.began = now
        place.may_leave.set_result(True)
