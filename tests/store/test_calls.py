"""Money: over any sequence of events nothing is sent twice unasked, and the sums are exact."""

from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from ggt.errors import BudgetError, GgtError
from ggt.store import calls, lanes, photos, schema

BUDGET = 1_000_000


def ledger_with_one_lane():
    connection = schema.open_for_writing(Path(":memory:"))
    photos.add_photos(connection, [("a.jpg", "{}")])
    (lq,) = photos.photo_ingested(connection, 1, [photos.NewLq("hash", "rain", 0.5, "group", "{}")])
    lanes.open_lanes(connection, lq, [("classical", "fixed", 0)])
    return connection


def begin(connection, key, *, micro=100_000, repeatable=False, budget=BUDGET):
    calls.open_call(connection, key, lane=1, model="m", question="{}")
    return calls.begin_send(
        connection,
        key,
        repeatable=repeatable,
        reserve_micro=micro,
        budget_micro=budget,
        owner="test",
    )


def test_a_call_under_way_is_not_sent_again():
    connection = ledger_with_one_lane()
    begin(connection, "k")
    with pytest.raises(GgtError, match="not sent again"):
        begin(connection, "k")


def test_a_send_in_doubt_blocks_its_call_until_a_retry_within_the_allowance():
    connection = ledger_with_one_lane()
    begin(connection, "k", micro=100_000)
    assert [send.call for send in calls.recover(connection, frozenset())] == ["k"]
    with pytest.raises(GgtError, match="in_doubt"):
        begin(connection, "k")
    assert calls.allow_retries(connection, 99_999) == []
    assert [send.call for send in calls.allow_retries(connection, 100_000)] == ["k"]
    assert begin(connection, "k").number == 2
    assert calls.spend(connection).in_doubt_usd == pytest.approx(0.1)


def test_the_allowance_holds_over_all_retries_together():
    connection = ledger_with_one_lane()
    for key in ("a", "b", "c"):
        begin(connection, key, micro=100_000)
    calls.recover(connection, frozenset())
    assert len(calls.allow_retries(connection, 150_000)) == 1
    assert calls.allow_retries(connection, 150_000) == []
    assert len(calls.allow_retries(connection, 250_000)) == 1


def test_local_work_is_simply_repeated_after_a_crash():
    connection = ledger_with_one_lane()
    begin(connection, "k", micro=0, repeatable=True)
    assert calls.recover(connection, frozenset()) == []
    assert begin(connection, "k", micro=0, repeatable=True).number == 2


def test_a_reply_in_the_inbox_is_no_doubt():
    connection = ledger_with_one_lane()
    send = begin(connection, "k")
    assert calls.recover(connection, frozenset({send.id})) == []
    assert calls.sends_of(connection, "k")[0].state == "intent"


def test_the_budget_counts_what_is_reserved_and_in_doubt():
    connection = ledger_with_one_lane()
    for number in range(10):
        begin(connection, f"k{number}", micro=100_000)
    with pytest.raises(BudgetError, match="Raise --budget"):
        begin(connection, "one more", micro=1)
    calls.recover(connection, frozenset())
    with pytest.raises(BudgetError):
        begin(connection, "one more", micro=1)
    assert begin(connection, "free", micro=0).state == "intent"


class Money(RuleBasedStateMachine):
    """A provider with a bill against the ledger, under any order of events, crashes included."""

    @initialize()
    def start(self):
        self.connection = ledger_with_one_lane()
        self.bill = 0
        self.billed_per_send = {}
        self.sent = {}
        self.in_flight = {}
        self.done = set()

    def _key(self, number):
        return f"call-{number}"

    @rule(number=st.integers(0, 6), micro=st.integers(0, 400_000))
    def send(self, number, micro):
        key = self._key(number)
        if key in self.done:
            return
        retried = [s for s in calls.sends_of(self.connection, key) if s.state == "in_doubt"]
        try:
            send = begin(self.connection, key, micro=micro)
        except GgtError:
            return
        assert all(s.retried for s in retried)
        self.in_flight[send.id] = send
        self.sent[send.id] = send

    def _pick(self, data):
        return self.in_flight[data.draw(st.sampled_from(sorted(self.in_flight)))]

    @precondition(lambda self: self.in_flight)
    @rule(data=st.data(), share=st.floats(0, 1))
    def answered(self, data, share):
        send = self._pick(data)
        cost = round(send.reserved_micro * share)
        self.bill += cost
        calls.settle(self.connection, send, state="done", cost_micro=cost)
        calls.finish_call(self.connection, send.call, state="done", answer="{}", version="v")
        self.done.add(send.call)
        del self.in_flight[send.id]

    @precondition(lambda self: self.in_flight)
    @rule(data=st.data())
    def refused_for_free(self, data):
        send = self._pick(data)
        calls.release_unbilled(self.connection, send, "429")
        del self.in_flight[send.id]

    @precondition(lambda self: self.in_flight)
    @rule(data=st.data(), billed=st.booleans())
    def timed_out(self, data, billed):
        send = self._pick(data)
        self.bill += send.reserved_micro if billed else 0
        calls.put_in_doubt(self.connection, send, "timeout")
        del self.in_flight[send.id]

    @rule(billed=st.booleans())
    def crash(self, billed):
        for send in self.in_flight.values():
            self.bill += send.reserved_micro if billed else 0
        doubtful = calls.recover(self.connection, frozenset())
        assert {send.id for send in doubtful} == set(self.in_flight)
        self.in_flight = {}

    @rule(allowance=st.integers(0, 500_000))
    def allow(self, allowance):
        calls.allow_retries(self.connection, allowance)
        retried = [s for s in calls.sends_in_doubt(self.connection) if s.retried]
        self.allowed_most = max(getattr(self, "allowed_most", 0), allowance)
        assert sum(s.reserved_micro for s in retried) <= self.allowed_most

    @invariant()
    def the_bill_lies_between_settled_and_settled_plus_doubt(self):
        spend = calls.spend(self.connection)
        settled = round(spend.settled_usd * calls.MICRO)
        doubt = round(spend.in_doubt_usd * calls.MICRO)
        assert settled <= self.bill <= settled + doubt

    @invariant()
    def the_running_totals_are_the_sums_of_the_rows(self):
        settled, reserved = self.connection.execute(
            "SELECT settled_micro, reserved_micro FROM spend"
        ).fetchone()
        rows = self.connection.execute(
            "SELECT coalesce(sum(cost_micro), 0), coalesce(sum(CASE WHEN state IN "
            "('intent', 'submitted', 'in_doubt') THEN reserved_micro ELSE 0 END), 0) FROM send"
        ).fetchone()
        assert (settled, reserved) == rows

    @invariant()
    def the_budget_is_never_passed(self):
        settled, reserved = self.connection.execute(
            "SELECT settled_micro, reserved_micro FROM spend"
        ).fetchone()
        assert settled + reserved <= BUDGET
        assert self.bill <= BUDGET


TestMoney = Money.TestCase
TestMoney.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)


def test_a_canary_in_doubt_does_not_keep_every_lane_in_doubt():
    connection = ledger_with_one_lane()
    begin(connection, "photo")
    calls.open_call(connection, "canary", lane=None, model="m", question="{}")
    calls.begin_send(
        connection, "canary", repeatable=False, reserve_micro=1, budget_micro=None, owner="t"
    )
    lanes.claim(connection, "engine", 1)
    calls.recover(connection, frozenset())
    lanes.give_back_running(connection)
    assert lanes.get_lane(connection, 1).state == "in_doubt"
    assert [send.call for send in calls.allow_retries(connection, BUDGET)] == ["photo"]
    assert lanes.ready_after_retry(connection) == 1


def test_a_pending_send_that_no_lane_asks_for_any_more_is_in_doubt():
    connection = ledger_with_one_lane()
    send = begin(connection, "k")
    calls.note_submitted(connection, send.id, "job-1")
    assert calls.recover(connection, frozenset()) == []
    lanes.close_other_lanes(connection, [("other", "fixed", 0)])
    calls.recover(connection, frozenset())
    spend = calls.spend(connection)
    assert (spend.under_way_usd, spend.in_doubt_usd) == (0, 0.1)


def test_what_lies_at_a_provider_after_a_whole_build_is_in_doubt():
    connection = ledger_with_one_lane()
    send = begin(connection, "k")
    calls.note_submitted(connection, send.id, "job-1")
    calls.abandon(connection, frozenset({send.id}))
    assert calls.spend(connection).num_in_doubt == 0
    calls.abandon(connection, frozenset())
    assert calls.spend(connection).num_in_doubt == 1


def test_a_shared_call_of_a_closed_lane_can_be_retried_by_the_lane_that_waits():
    connection = ledger_with_one_lane()
    lanes.open_lanes(connection, 1, [("simulated", "fixed", 0)])
    begin(connection, "shared")
    calls.recover(connection, frozenset())
    lanes.close_other_lanes(connection, [("simulated", "fixed", 0)])
    lanes.set_state(connection, 2, "in_doubt")
    assert [send.call for send in calls.allow_retries(connection, BUDGET)] == ["shared"]
