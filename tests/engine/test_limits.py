"""Limits: never too many under way, never too much in a minute, in order, and the pace follows the provider."""

import asyncio
import selectors
import time
from contextlib import AsyncExitStack

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ggt.engine.limits import Ceiling, Limits, Load
from ggt.engine.stop import Stop
from ggt.errors import StopRunError

WHO = "fake/m-1"
WINDOW_S = 60


class Skipping(selectors.DefaultSelector):
    """Where the loop would sleep, its clock is put forward instead."""

    now = 0.0

    def select(self, timeout=None):
        ready = super().select(0)
        if not ready and timeout:
            self.now += timeout
        return ready


class Loop(asyncio.SelectorEventLoop):
    """A loop whose time is that of a `Skipping` selector: whole seconds stay exact."""

    def __init__(self):
        self.skipping = Skipping()
        self.timers = []
        super().__init__(self.skipping)

    def time(self):
        return self.skipping.now

    def call_at(self, when, *args, **options):
        self.timers.append(super().call_at(when, *args, **options))
        return self.timers[-1]

    def pending(self):
        """Timers that have neither run nor been cancelled."""
        return [t for t in self.timers if not t.cancelled() and t.when() > self.time()]


def run(main):
    """Run `main(now)` without waiting for anything; `now()` is the loop's time."""
    with asyncio.Runner(loop_factory=Loop) as runner:
        return runner.run(main(runner.get_loop().time))


def begin_times(ceiling, sends):
    """Send each (gap, takes, load, patience); returns when each began, None where patience ended before."""
    began = [None] * len(sends)
    order, most, now_under_way = [], 0, 0

    async def main(now):
        nonlocal most
        limits = Limits(ceiling, clock=now)

        async def one(number, takes, load):
            nonlocal most, now_under_way
            async with limits.turn(WHO, load):
                began[number] = now()
                order.append(number)
                now_under_way += 1
                most = max(most, now_under_way)
                await asyncio.sleep(takes)
                now_under_way -= 1

        async def give_up(task, number, patience):
            await asyncio.sleep(patience)
            if began[number] is None:
                task.cancel()

        tasks = []
        for number, (gap, takes, load, patience) in enumerate(sends):
            await asyncio.sleep(gap)
            tasks.append(asyncio.create_task(one(number, takes, load)))
            if patience is not None:
                tasks.append(asyncio.create_task(give_up(tasks[-1], number, patience)))
        await asyncio.gather(*tasks, return_exceptions=True)
        assert limits.under_way(WHO) == 0
        assert asyncio.all_tasks() == {asyncio.current_task()}
        assert asyncio.get_running_loop().pending() == []

    run(main)
    # Those that may go at one moment are woken in their order, and one that comes just then need not be woken.
    in_order = sorted(order, key=lambda number: (began[number], number))
    assert in_order == sorted(order), "first come, first served"
    assert most <= ceiling.most
    return began


def amounts(ceiling, load):
    """What a load counts for, beside each bound."""
    return (
        (1, ceiling.requests_per_minute),
        (load.images, ceiling.images_per_minute),
        (load.tokens, ceiling.tokens_per_minute),
    )


def may_leave(ceiling, earlier, load, at):
    """Say by brute force whether a send may leave: `earlier` holds (began, ended, load)."""
    if sum(ended > at for _, ended, _ in earlier) >= ceiling.most:
        return False
    recent = [before for began, _, before in earlier if began > at - WINDOW_S]
    for which, (amount, bound) in enumerate(amounts(ceiling, load)):
        used = sum(amounts(ceiling, before)[which][0] for before in recent)
        if bound is not None and amount and used + amount > bound and used > 0:
            return False
    return True


bound = st.none() | st.integers(1, 6)
ceilings = st.builds(
    Ceiling,
    st.integers(1, 5),
    requests_per_minute=bound,
    images_per_minute=bound,
    tokens_per_minute=bound,
)
loads = st.builds(Load, images=st.integers(0, 3), tokens=st.integers(0, 9))
moments = st.integers(0, 90)


@settings(max_examples=300, deadline=None)
@given(ceilings, st.lists(st.tuples(moments | st.just(0), moments, loads, st.none()), max_size=25))
def test_every_send_leaves_in_order_and_at_the_first_moment_that_the_bounds_allow(ceiling, sends):
    began = begin_times(ceiling, sends)
    earlier, arrived, latest = [], 0, 0
    for at, (gap, takes, load, _) in zip(began, sends, strict=True):
        arrived += gap
        latest = max(latest, arrived)
        chances = {latest, *(e for _, e, _ in earlier), *(b + WINDOW_S for b, _, _ in earlier)}
        latest = min(t for t in chances if t >= latest and may_leave(ceiling, earlier, load, t))
        assert at == latest
        earlier.append((at, at + takes, load))


@settings(max_examples=300, deadline=None)
@given(
    ceilings,
    st.lists(st.tuples(moments | st.just(0), moments, loads, st.none() | moments), max_size=25),
)
def test_a_send_that_gives_up_waiting_leaves_nothing_behind(ceiling, sends):
    began = begin_times(ceiling, sends)
    left = [(b, load) for b, (_, _, load, _) in zip(began, sends, strict=True) if b is not None]
    patient = [b for b, (*_, patience) in zip(began, sends, strict=True) if patience is None]
    assert None not in patient
    for first, _ in left:
        window = [load for b, load in left if first <= b < first + WINDOW_S]
        for which in range(3):
            parts = [amounts(ceiling, load)[which][0] for load in window]
            most = amounts(ceiling, Load())[which][1]
            alone = sum(part > 0 for part in parts) == 1
            assert most is None or alone or sum(parts) <= most


def test_a_load_above_a_whole_minute_leaves_alone_and_the_next_a_minute_later():
    sends = [(0, 0, Load(tokens=n), None) for n in (3, 50, 1, 9)]
    assert begin_times(Ceiling(8, tokens_per_minute=10), sends) == [0, 60, 120, 120]


def test_a_turn_that_came_just_as_its_task_was_cancelled_is_given_back():
    async def main(now):
        limits = Limits(Ceiling(1, requests_per_minute=2), clock=now)

        async def send():
            async with limits.turn(WHO):
                raise AssertionError("it was cancelled before")

        async with limits.turn(WHO):
            waiting = asyncio.create_task(send())
            await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        assert (waiting.cancelled(), limits.under_way(WHO)) == (True, 0)
        began = []
        for _ in range(4):
            async with limits.turn(WHO):
                began.append(now())
        return began

    assert run(main) == [0, 60, 60, 120]


def test_a_cancelled_wait_makes_room_for_the_smaller_load_behind_it():
    sends = [(0, 0, Load(tokens=8), None), (0, 0, Load(tokens=9), 5), (0, 0, Load(tokens=2), None)]
    assert begin_times(Ceiling(8, tokens_per_minute=10), sends) == [0, None, 5]


def test_one_models_line_holds_nobody_up_in_anothers():
    async def main(now):
        limits = Limits(Ceiling(1), {"b/m": Ceiling(2)}, clock=now)
        async with limits.turn("a/m"), limits.turn("b/m"), limits.turn("b/m"):
            counts = [limits.under_way(who) for who in ("a/m", "b/m", "c/m")]
        return counts, [limits.allowed(who) for who in ("a/m", "b/m", "c/m")], now()

    assert run(main) == ([1, 2, 0], [1, 2, 1], 0)


def saturated(limits, seconds, now, *, word="answered"):
    """Keep many senders at it, one second a send; returns a task that ends when the last of them does."""

    async def one():
        while now() < seconds:
            async with limits.turn(WHO):
                await asyncio.sleep(1)
                limits.heard(WHO, word)

    return asyncio.gather(*(one() for _ in range(200)))


def test_a_slow_start_doubles_with_every_round_up_to_the_ceiling():
    async def main(now):
        limits = Limits(Ceiling(100, start=4), clock=now)
        senders = saturated(limits, 7, now)
        seen = []
        for _ in range(7):
            await asyncio.sleep(0.5)
            seen.append(limits.under_way(WHO))
            await asyncio.sleep(0.5)
        await senders
        return seen

    assert run(main) == [4, 8, 16, 32, 64, 100, 100]


def test_nothing_grows_while_less_than_four_fifths_is_in_use():
    async def main(now):
        limits = Limits(Ceiling(100, start=10), clock=now)
        async with AsyncExitStack() as turns:
            for _ in range(7):
                await turns.enter_async_context(limits.turn(WHO))
            limits.heard(WHO, "answered")
            before = limits.allowed(WHO)
            await turns.enter_async_context(limits.turn(WHO))
            limits.heard(WHO, "answered")
            return before, limits.allowed(WHO)

    assert run(main) == (10, 11)


def heard_by(words, *, start=40, most=100):
    """Hear (moment, word, delay) with all that is allowed in use; returns what each leaves allowed, and all changes."""
    changes = []
    clock = [0.0]
    limits = Limits(
        Ceiling(most, start=start),
        on_change=lambda who, old, new, why: changes.append((who, old, new, why)),
        clock=lambda: clock[0],
    )

    async def main(now):
        async with AsyncExitStack() as turns:
            for _ in range(limits.allowed(WHO)):
                await turns.enter_async_context(limits.turn(WHO))
            allowed = []
            for moment, word, delay in words:
                clock[0] = moment
                limits.heard(WHO, word, delay)
                allowed.append(limits.allowed(WHO))
            return allowed

    return run(main), changes


def test_a_limited_send_cuts_to_four_fifths_once_in_a_cooldown():
    words = [(0, "limited", 0), (1, "limited", 0), (14.9, "limited", 0), (15, "limited", 0)]
    allowed, changes = heard_by(words)
    assert allowed == [32, 32, 32, 25]
    why = "the provider said that it was too much"
    assert changes == [(WHO, 40, 32, why), (WHO, 32, 25, why)]


def test_the_cooldown_lasts_as_long_as_the_wait_that_the_provider_stated():
    words = [(0, "limited", 40), (39, "limited", 0), (39, "answered", 0), (40, "limited", 0)]
    assert heard_by(words)[0] == [32, 32, 32, 25]


def test_one_send_is_always_allowed():
    words = [(100 * n, "limited", 0) for n in range(4)]
    assert heard_by(words, start=3)[0] == [2, 1, 1, 1]


def test_after_a_cut_a_whole_round_of_answers_adds_a_twentieth_and_at_least_one():
    cut = [(0, "limited", 0)]
    allowed, _ = heard_by([*cut, *((20, "answered", 0) for _ in range(80 + 84))], start=100)
    assert [allowed[n] for n in (79, 80, 163, 164)] == [80, 84, 84, 88]
    allowed, _ = heard_by([*cut, *((20, "answered", 0) for _ in range(8))], start=10)
    assert [allowed[n] for n in (7, 8)] == [8, 9]


def test_trouble_breaks_a_round_off():
    words = [*((20, "answered", 0) for _ in range(31)), (20, "troubled", 0)]
    words += [(40, "answered", 0) for _ in range(32)]
    allowed, _ = heard_by([(0, "limited", 0), *words])
    assert (set(allowed[:-1]), allowed[-1]) == ({32}, 33)


def test_no_answer_during_the_cooldown_grows_anything():
    words = [(0, "limited", 0), *((14, "answered", 0) for _ in range(100))]
    assert set(heard_by(words)[0]) == {32}


@pytest.mark.parametrize("word", ["capacity", "troubled"])
def test_the_providers_own_trouble_pauses_growth_and_never_shrinks(word):
    words = [(0, word, 0), (1, word, 20), (20.9, "answered", 0), (21, "answered", 0)]
    assert heard_by(words)[0] == [40, 40, 40, 41]


def test_trouble_does_not_keep_a_limited_send_from_cutting():
    assert heard_by([(0, "troubled", 0), (1, "limited", 0)])[0] == [40, 32]


def test_without_a_start_nothing_adapts():
    words = [(0, "limited", 0), *((30, "answered", 0) for _ in range(100))]
    allowed, changes = heard_by(words, start=None, most=40)
    assert (set(allowed), changes) == ({40}, [])


def test_what_was_cut_lets_nobody_in_until_enough_have_left():
    async def main(now):
        limits = Limits(Ceiling(5, start=5), clock=now)
        began = []

        async def one(takes):
            async with limits.turn(WHO):
                began.append(now())
                await asyncio.sleep(takes)

        senders = asyncio.gather(*(one(10 * (n + 1)) for n in range(6)))
        await asyncio.sleep(1)
        limits.heard(WHO, "limited")
        await senders
        return began

    assert run(main) == [0, 0, 0, 0, 0, 20]


@pytest.mark.parametrize(
    ("word", "start", "began"),
    [("limited", None, 30), ("limited", 4, 30), ("capacity", 4, 30), ("troubled", 4, 0)],
)
def test_the_wait_that_a_provider_asks_for_holds_every_new_turn(word, start, began):
    async def main(now):
        limits = Limits(Ceiling(4, start=start), clock=now)
        limits.heard(WHO, word, 30)
        limits.heard(WHO, word, 10)
        async with limits.turn(WHO):
            return now()

    assert run(main) == began


@pytest.mark.parametrize("held_by", ["slot", "minute", "delay"])
def test_a_stop_ends_every_wait_at_once_and_nothing_is_held(held_by):
    async def main(now):
        stop = Stop()
        limits = Limits(Ceiling(1, requests_per_minute=1), stop=stop, clock=now)

        async def one():
            async with limits.turn(WHO):
                return now(), stop.requested, limits.under_way(WHO)

        async with AsyncExitStack() as turns:
            if held_by == "delay":
                limits.heard(WHO, "limited", 3600)
            else:
                await turns.enter_async_context(limits.turn(WHO))
            if held_by == "minute":
                await turns.aclose()
            waiting = [asyncio.create_task(one()) for _ in range(3)]
            await asyncio.sleep(3)
            waiting.pop().cancel()
            await asyncio.sleep(4)
            stop.request(StopRunError("enough"))
            for _ in range(5):  # some come while the others are being sent home
                waiting.append(asyncio.create_task(one()))
                await asyncio.sleep(0)
            seen = await asyncio.gather(*waiting)
            assert asyncio.get_running_loop().pending() == []
            assert asyncio.all_tasks() == {asyncio.current_task()}
            return seen

    held = 1 if held_by == "slot" else 0
    assert run(main) == [(7, True, held)] * 7


def test_nothing_watches_for_a_stop_while_nobody_waits():
    async def main(now):
        limits = Limits(Ceiling(1), stop=Stop(), clock=now)

        async def one():
            async with limits.turn(WHO):
                await asyncio.sleep(1)

        await asyncio.gather(one(), one(), one())
        await asyncio.sleep(0)
        return len(asyncio.all_tasks())

    assert run(main) == 1


def test_in_real_time_no_window_holds_more_than_its_bound():
    began = []

    async def main():
        limits = Limits(Ceiling(8, requests_per_minute=3), window_s=0.1)

        async def one():
            async with limits.turn(WHO):
                began.append(time.monotonic())

        await asyncio.gather(*(one() for _ in range(10)))

    asyncio.run(main())
    # The fourth after any send leaves a window later; a few ms of the loop's own delay may come between the two clocks.
    assert all(later - first > 0.095 for first, later in zip(began, began[3:], strict=False))
    assert began[-1] - began[0] < 1.0


def test_a_turn_that_need_not_wait_costs_little():
    ceiling = Ceiling(64, 8, requests_per_minute=10**6, tokens_per_minute=10**9)

    async def main():
        limits = Limits(ceiling, stop=Stop())
        load = Load(images=1, tokens=1000)
        began = time.process_time()
        for _ in range(2000):
            async with limits.turn(WHO, load):
                limits.heard(WHO, "answered")
        return (time.process_time() - began) / 2000

    assert sorted(asyncio.run(main()) for _ in range(5))[2] < 50e-6
