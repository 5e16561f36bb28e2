"""A behaviour is data: rates, delays and limits are checked once, and every draw hangs on nothing but its values."""

from collections import Counter

import pytest

from ggt.errors import UsageError
from ggt.simulator.behaviour import (
    FAULTS,
    Behaviour,
    changed,
    check_restorer,
    draw_fault,
    merged,
    unit,
)
from ggt.simulator.wire import Asked


def asked(wire="gemini", kind="image", text="p"):
    return Asked(wire=wire, model="m", kind=kind, content=(text,))


def test_draws_are_even_and_the_same_every_time():
    draws = [unit(0, number) for number in range(4000)]
    assert all(0 <= draw < 1 for draw in draws)
    assert abs(sum(draws) / 4000 - 0.5) < 0.02
    assert draws == [unit(0, number) for number in range(4000)]
    assert unit(1, 0) != unit(0, 0)


def test_faults_come_at_their_rates():
    behaviour = Behaviour(faults={"timeout": 0.1, "no_image": 0.25})
    drawn = Counter(draw_fault(behaviour, asked(), unit(number)) for number in range(4000))
    assert set(drawn) == {"timeout", "no_image", None}
    assert abs(drawn["timeout"] / 4000 - 0.1) < 4 * (0.1 * 0.9 / 4000) ** 0.5
    assert abs(drawn["no_image"] / 4000 - 0.25) < 4 * (0.25 * 0.75 / 4000) ** 0.5


@pytest.mark.parametrize(
    ("fault", "wire", "kind", "struck"),
    [
        ("no_image", "gemini", "image", True),
        ("no_image", "gemini", "text", False),
        ("no_image", "openai", "image", False),
        ("moderation_blocked", "openai", "image", True),
        ("moderation_blocked", "gemini", "image", False),
        ("bad_json", "openai", "text", True),
        ("bad_json", "openai", "image", False),
        ("timeout", "openai", "text", True),
    ],
)
def test_faults_strike_only_where_the_vendor_has_them(fault, wire, kind, struck):
    found = draw_fault(Behaviour(faults={fault: 1.0}), asked(wire, kind), 0.999)
    assert found == (fault if struck else None)


def test_whoever_worked_is_paid():
    free = {name for name, fault in FAULTS.items() if not fault.billed}
    assert free == {
        *("rate_limit_minute", "rate_limit_day", "rate_limit_spend", "capacity"),
        *("server_error", "overloaded", "refused_prompt", "moderation_blocked"),
        "connection_reset",
    }


def test_a_file_replaces_single_keys_and_the_table_of_faults_as_a_whole():
    first = changed(Behaviour(), 'restorer = "echo"\n[faults]\nTIMEOUT = 0.5\nNO_IMAGE = 0.1')
    assert first.faults == {"timeout": 0.5, "no_image": 0.1}
    second = changed(first, "retry_after_s = 3\n[faults]\ncapacity = 0.2")
    assert (second.restorer, second.retry_after_s) == ("echo", 3)
    assert second.faults == {"capacity": 0.2}


@pytest.mark.parametrize(
    ("toml", "words"),
    [
        ("[faults]\ntimeouts = 0.1", "'timeouts' is no fault; known: .*timeout"),
        ("[faults]\ntimeout = 1.5", "rate of timeout is 1.5"),
        ("[faults]\ntimeout = 0.6\nserver_error = 0.6", "add up to 1.2"),
        ("[planted]\nhues = 0.1", "'hues' is no fault"),
        ("[planted]\nhue = 0.6\ncast = 0.6", "planted rates add up to 1.2"),
        ("delay_s = [2, 1]", "not from short to long"),
        ("delays = [1, 2]", "delays"),
        ("requests_per_minute = 0", "requests_per_minute"),
        ("faults = 3", "faults"),
        ("[faults", "not TOML"),
    ],
)
def test_what_cannot_be_used_is_refused_with_the_name(toml, words):
    with pytest.raises(UsageError, match=words):
        changed(Behaviour(), toml)


def test_faults_of_different_wires_do_not_add_up():
    rates = {"no_image": 0.9, "moderation_blocked": 0.9, "bad_json": 0.9}
    assert merged(Behaviour(), {"faults": rates}).faults == rates


def test_restorers_are_checked_before_anything_is_asked():
    with pytest.raises(UsageError, match="Did you mean 'classical'"):
        check_restorer(Behaviour(restorer="classicl"), has_truths=False)
    with pytest.raises(UsageError, match="--truths"):
        check_restorer(Behaviour(restorer="simulated"), has_truths=False)
    check_restorer(Behaviour(restorer="simulated"), has_truths=True)
    check_restorer(Behaviour(restorer="echo"), has_truths=False)


def test_the_same_request_has_the_same_name_whatever_carries_it():
    assert asked(text="a").identity() == asked(wire="openai", text="a").identity()
    assert asked(text="a").identity() != asked(text="b").identity()
    seeded = Asked(wire="gemini", model="m", kind="image", content=("a",), parameters={"seed": 1})
    assert seeded.identity() != asked(text="a").identity()
