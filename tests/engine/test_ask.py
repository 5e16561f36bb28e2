"""`ask`: answered once, written down first, doubtful when nothing came back."""

import asyncio
import dataclasses
import json
import time

import pytest

from ggt.engine.ask import Asker, Policy, Question, Service
from ggt.engine.inbox import Inbox, Received
from ggt.engine.limits import Ceiling, Limits
from ggt.engine.stop import Stop
from ggt.errors import BudgetError, StopRunError
from ggt.providers import (
    InDoubtError,
    InvalidRequestError,
    Pending,
    ProviderStopError,
    UnbilledError,
)
from ggt.store import calls, lanes, photos
from ggt.store.database import Database

QUESTION = Question(
    stage="restore",
    provider="fake",
    model="m-1",
    prompt="remove the rain",
    inputs=("ab" * 32,),
    parameters={"seed": 1},
    attempt=1,
    sample=0,
)


@pytest.fixture
def database(tmp_path):
    database = Database(tmp_path / "ledger.sqlite")

    def prepare(connection):
        photos.add_photos(connection, [("a.jpg", "{}")])
        (lq,) = photos.photo_ingested(
            connection, 1, [photos.NewLq("hash", "rain", 0.5, "group", "{}")]
        )
        lanes.open_lanes(connection, lq, [("fake", "fixed", 0)])

    database.write_now(prepare)
    yield database
    database.close()


class Provider:
    """Replies from a list, one a send; an exception in the list is raised."""

    def __init__(self, *replies):
        self.replies = list(replies)
        self.num_sends = 0

    async def send(self, send_id):
        self.num_sends += 1
        reply = self.replies.pop(0)
        if isinstance(reply, Exception):
            raise reply
        return reply

    async def read(self, body):
        if body == b"broken":
            raise ValueError("not an image")
        return json.dumps(body.decode())

    def service(self, *, repeatable=False, worst=0.10):
        return Service(send=self.send, read=self.read, worst_case_usd=worst, repeatable=repeatable)


def ask(database, tmp_path, provider, *, policy=None, question=QUESTION, **options):
    inbox = tmp_path / "inbox"
    inbox.mkdir(exist_ok=True)

    async def go():
        letters = Inbox(inbox)
        asker = Asker(
            database,
            letters,
            policy=policy or Policy(first_delay_s=0.001),
            limits=Limits(8),
            stop=Stop(),
        )
        try:
            return await asker.ask(question, provider.service(**options), lane=1)
        finally:
            database.write_now(lambda c: None)  # settling is not waited for; this comes after it
            letters.close()

    return asyncio.run(go())


def image(cost=0.04):
    return Received("answer", b"image", cost_usd=cost, version="m-1-2026")


def states(database):
    return [s.state for s in database.write_now(lambda c: calls.sends_of(c, QUESTION.key()))]


def test_the_key_is_stable_and_moves_with_everything_that_changes_the_answer():
    assert QUESTION.key() == "4db04db7df90e6c46cf7cbf77e5c150969d5a669165c30a31f8b1e97b538c2f0"
    for change in (
        {"prompt": "other"},
        {"model": "m-2"},
        {"attempt": 2},
        {"sample": 1},
        {"vote": 1},
        {"inputs": ("cd" * 32,)},
        {"parameters": {"seed": 2}},
        {"stage": "judge"},
        {"provider": "b"},
    ):
        assert dataclasses.replace(QUESTION, **change).key() != QUESTION.key()


def test_a_finished_call_is_answered_from_the_ledger(database, tmp_path):
    provider = Provider(image())
    first = ask(database, tmp_path, provider)
    second = ask(database, tmp_path, provider)
    assert json.loads(first.answer) == "image"
    assert second.answer == first.answer
    assert second.version == "m-1-2026"
    assert provider.num_sends == 1
    assert database.write_now(calls.spend).settled_usd == pytest.approx(0.04)
    assert list((tmp_path / "inbox").iterdir()) == []


def test_a_timeout_is_in_doubt_and_never_repeated_by_itself(database, tmp_path):
    provider = Provider(InDoubtError("no answer"), image())
    for _ in range(2):
        with pytest.raises(InDoubtError):
            ask(database, tmp_path, provider)
    assert provider.num_sends == 1
    assert states(database) == ["in_doubt"]
    assert database.write_now(calls.spend).in_doubt_usd == pytest.approx(0.10)


def test_an_unforeseen_error_after_the_intent_is_in_doubt_too(database, tmp_path):
    provider = Provider(RuntimeError("bug in a client"))
    with pytest.raises(InDoubtError, match="bug in a client"):
        ask(database, tmp_path, provider)
    assert states(database) == ["in_doubt"]


def test_an_allowed_retry_is_a_send_of_its_own(database, tmp_path):
    provider = Provider(InDoubtError("no answer"), image())
    with pytest.raises(InDoubtError):
        ask(database, tmp_path, provider)
    database.write_now(lambda c: calls.allow_retries(c, calls.micro(0.10)))
    assert ask(database, tmp_path, provider).answer is not None
    assert states(database) == ["in_doubt", "done"]


def test_an_unbilled_status_is_sent_again(database, tmp_path):
    provider = Provider(UnbilledError("429"), UnbilledError("429"), image())
    assert ask(database, tmp_path, provider).answer is not None
    assert states(database) == ["unbilled", "unbilled", "done"]
    assert database.write_now(calls.spend).settled_usd == pytest.approx(0.04)


def test_a_provider_that_never_takes_anything_stops_the_run(database, tmp_path):
    provider = Provider(*[UnbilledError("429")] * 9)
    policy = Policy(num_unbilled=2, first_delay_s=0.001)
    with pytest.raises(StopRunError, match="run again later"):
        ask(database, tmp_path, provider, policy=policy)
    assert provider.num_sends == 3


def test_a_provider_that_stops_stops_the_run_and_costs_nothing(database, tmp_path):
    provider = Provider(ProviderStopError("daily limit"), image())
    with pytest.raises(StopRunError, match="daily limit"):
        ask(database, tmp_path, provider)
    assert ask(database, tmp_path, provider).answer is not None


@pytest.mark.parametrize(
    "bad",
    [
        Received("refused", b"", cost_usd=0.01, detail="policy"),
        Received("no_image", b"sorry", cost_usd=0.01),
        Received("answer", b"broken", cost_usd=0.01),
    ],
)
def test_a_reply_without_use_is_resent_within_its_allowance_then_refused(database, tmp_path, bad):
    provider = Provider(bad, bad, image())
    answered = ask(database, tmp_path, provider, policy=Policy(num_resends=1))
    assert answered.answer is None
    assert provider.num_sends == 2
    assert database.write_now(calls.spend).settled_usd == pytest.approx(0.02)
    assert ask(database, tmp_path, provider).answer is None
    assert provider.num_sends == 2


def test_the_budget_stops_before_the_send(database, tmp_path):
    provider = Provider(image())
    with pytest.raises(BudgetError):
        ask(database, tmp_path, provider, policy=Policy(budget_usd=0.09))
    assert provider.num_sends == 0


def crash_after_the_reply_was_stored(database, tmp_path):
    """Leave the ledger with an intent and the inbox with its reply; returns the file that holds it."""

    async def die(send_id):
        raise asyncio.CancelledError

    provider = Provider(image())
    provider.send = die
    with pytest.raises(asyncio.CancelledError):
        ask(database, tmp_path, provider)
    (send,) = database.write_now(lambda c: calls.sends_of(c, QUESTION.key()))

    async def store():
        inbox = Inbox(tmp_path / "inbox")
        await inbox.store(send.id, image())
        inbox.close()

    asyncio.run(store())
    (stored,) = (tmp_path / "inbox").iterdir()
    return stored


def test_a_reply_that_a_crash_left_in_the_inbox_is_adopted_not_resent(database, tmp_path):
    stored = crash_after_the_reply_was_stored(database, tmp_path)
    assert json.loads(ask(database, tmp_path, Provider()).answer) == "image"
    assert states(database) == ["done"]
    assert not stored.exists()


def test_a_stored_reply_that_can_no_longer_be_read_is_in_doubt_not_resent(database, tmp_path):
    stored = crash_after_the_reply_was_stored(database, tmp_path)
    provider = Provider(image())

    async def go():
        inbox = Inbox(tmp_path / "inbox")
        stored.write_bytes(stored.read_bytes()[:-1])
        asker = Asker(database, inbox, policy=Policy(), limits=Limits(8), stop=Stop())
        with pytest.raises(InDoubtError, match="can no longer be read"):
            await asker.ask(QUESTION, provider.service(), lane=1)
        inbox.close()

    asyncio.run(go())
    assert provider.num_sends == 0


def test_a_send_of_unknown_fate_is_never_sent_again_by_its_own_engine(database, tmp_path):
    async def die(send_id):
        raise asyncio.CancelledError

    provider = Provider(image())
    provider.send = die
    with pytest.raises(asyncio.CancelledError):
        ask(database, tmp_path, provider)
    fresh = Provider(image())
    with pytest.raises(InDoubtError):
        ask(database, tmp_path, fresh)
    assert fresh.num_sends == 0


def test_no_more_sends_are_under_way_than_the_limit_across_all_askers(database, tmp_path):
    now = most = 0

    async def send(send_id):
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(0.002)
        now -= 1
        return image(0.0)

    async def read(body):
        return "1"

    async def go():
        (tmp_path / "inbox").mkdir()
        limits = Limits(8, {"fake/m-1": Ceiling(3)})
        asker = Asker(
            database, Inbox(tmp_path / "inbox"), policy=Policy(), limits=limits, stop=Stop()
        )
        service = Service(send=send, read=read, worst_case_usd=0.0, repeatable=False)
        await asyncio.gather(
            *(
                asker.ask(dataclasses.replace(QUESTION, sample=n), service, lane=1)
                for n in range(20)
            )
        )

    asyncio.run(go())
    assert most == 3


def test_what_waits_in_line_is_not_reserved_and_a_stop_keeps_it_here(database, tmp_path):
    sent = []

    async def go():
        (tmp_path / "inbox").mkdir()
        stop = Stop()

        async def send(send_id):
            sent.append(send_id)
            await asyncio.sleep(0.01)
            stop.request(StopRunError("enough"))
            return image(0.0)

        async def read(body):
            return "1"

        asker = Asker(
            database, Inbox(tmp_path / "inbox"), policy=Policy(), limits=Limits(2), stop=stop
        )
        service = Service(send=send, read=read, worst_case_usd=0.1, repeatable=False)
        questions = [dataclasses.replace(QUESTION, sample=n) for n in range(20)]
        return await asyncio.gather(
            *(asker.ask(question, service, lane=1) for question in questions),
            return_exceptions=True,
        )

    results = asyncio.run(go())
    assert len(sent) == 2
    assert sum(isinstance(result, StopRunError) for result in results) == 18
    assert database.write_now(lambda c: c.execute("SELECT count(*) FROM send").fetchone()[0]) == 2


def test_two_lanes_with_one_question_pay_once(database, tmp_path):
    provider = Provider(image())

    async def go():
        (tmp_path / "inbox").mkdir()
        asker = Asker(
            database, Inbox(tmp_path / "inbox"), policy=Policy(), limits=Limits(8), stop=Stop()
        )
        return await asyncio.gather(
            *(asker.ask(QUESTION, provider.service(), lane=1) for _ in range(3))
        )

    assert {answered.answer for answered in asyncio.run(go())} == {'"image"'}
    assert provider.num_sends == 1


def test_a_cost_that_is_no_amount_counts_as_the_worst_case(database, tmp_path):
    provider = Provider(image(float("nan")))
    ask(database, tmp_path, provider, worst=0.10)
    assert database.write_now(calls.spend).settled_usd == pytest.approx(0.10)


def test_a_reply_with_broken_characters_is_kept_and_paid_once(database, tmp_path):
    broken = dataclasses.replace(image(), version="m-\ud800", detail="half \udc00")
    provider = Provider(broken)
    answered = ask(database, tmp_path, provider)
    assert (answered.version, answered.detail) == ("m-?", "half ?")
    assert ask(database, tmp_path, provider).answer == answered.answer
    assert states(database) == ["done"]


def test_a_provider_that_asks_for_a_day_is_named_with_the_time_and_a_stop_ends_the_wait(
    database, tmp_path
):
    told = []

    async def go():
        (tmp_path / "inbox").mkdir()
        stop = Stop()

        def on_wait(who, until):
            told.append((who, until))
            stop.request(StopRunError("enough"))

        asker = Asker(
            database,
            Inbox(tmp_path / "inbox"),
            policy=Policy(),
            limits=Limits(8, on_wait=on_wait),
            stop=stop,
        )
        provider = Provider(UnbilledError("429", delay_s=86_400))
        return await asker.ask(QUESTION, provider.service(), lane=1)

    with pytest.raises(StopRunError, match="while waiting"):
        asyncio.run(go())
    ((who, until),) = told
    assert who == "fake/m-1"
    assert until == pytest.approx(time.time() + 86_400, abs=60)


def test_a_short_wait_is_not_told_and_a_long_one_once():
    told = []
    limits = Limits(8, on_wait=lambda who, until: told.append(who))
    for seconds in (1, 100, 101, 500):
        limits.note_wait("a/b", seconds)
    assert told == ["a/b", "a/b"]


def polling(replies, *, sent):
    """A service whose one send is pending, and whose polls bring these replies."""
    left = list(replies)

    async def send(send_id):
        sent.append(send_id)
        return Pending("job-7")

    async def poll(remote_id):
        assert remote_id == "job-7"
        reply = left.pop(0)
        if isinstance(reply, BaseException):
            raise reply
        return reply

    async def read(body):
        return json.dumps(body.decode())

    return Service(
        send=send,
        read=read,
        worst_case_usd=0.1,
        repeatable=False,
        poll=poll,
        poll_interval_s=0.001,
        patience_s=0.05,
    )


def ask_service(database, tmp_path, service, *, stop=None):
    (tmp_path / "inbox").mkdir(exist_ok=True)

    async def go():
        inbox = Inbox(tmp_path / "inbox")
        asker = Asker(
            database,
            inbox,
            policy=Policy(first_delay_s=0.001),
            limits=Limits(8),
            stop=stop or Stop(),
        )
        try:
            return await asker.ask(QUESTION, service, lane=1)
        finally:
            database.write_now(lambda c: None)
            inbox.close()

    return asyncio.run(go())


def test_polls_are_free_steps_of_one_send(database, tmp_path):
    sent = []
    service = polling([None, UnbilledError("503"), None, image()], sent=sent)
    assert ask_service(database, tmp_path, service).answer == '"image"'
    assert len(sent) == 1
    assert states(database) == ["done"]
    (send,) = database.write_now(lambda c: calls.sends_of(c, QUESTION.key()))
    assert send.remote_id == "job-7"


def test_a_crash_while_polling_leaves_the_send_at_the_provider_and_the_next_run_polls_on(
    database, tmp_path
):
    sent = []
    with pytest.raises(asyncio.CancelledError):
        ask_service(database, tmp_path, polling([asyncio.CancelledError()], sent=sent))
    assert states(database) == ["submitted"]
    assert database.write_now(lambda c: calls.recover(c, frozenset())) == []
    assert ask_service(database, tmp_path, polling([image()], sent=sent)).answer == '"image"'
    assert len(sent) == 1


def test_a_result_that_never_comes_or_is_lost_is_in_doubt(database, tmp_path):
    with pytest.raises(InDoubtError, match="no result within"):
        ask_service(database, tmp_path, polling([None] * 1000, sent=[]))
    assert states(database) == ["in_doubt"]
    assert database.write_now(calls.spend).in_doubt_usd == pytest.approx(0.1)


def test_a_key_that_is_refused_while_polling_does_not_free_what_was_submitted(database, tmp_path):
    sent = []
    with pytest.raises(StopRunError, match="answers no more"):
        ask_service(database, tmp_path, polling([ProviderStopError("401")], sent=sent))
    assert states(database) == ["submitted"]
    assert ask_service(database, tmp_path, polling([image()], sent=sent)).answer == '"image"'
    assert len(sent) == 1


def test_a_malformed_request_is_free_fails_its_lane_and_is_not_repeated(database, tmp_path):
    provider = Provider(InvalidRequestError("400: no such parameter"), image())
    with pytest.raises(InvalidRequestError):
        ask(database, tmp_path, provider)
    assert provider.num_sends == 1
    assert states(database) == ["unbilled"]
    assert database.write_now(calls.spend).settled_usd == 0


def test_a_pending_send_that_was_put_in_doubt_stays_there_when_it_is_asked_again(
    database, tmp_path
):
    for replies in ([None] * 1000, [image()]):
        with pytest.raises(InDoubtError):
            ask_service(database, tmp_path, polling(replies, sent=[]))
        assert states(database) == ["in_doubt"]


def test_a_stop_waits_for_a_result_that_is_at_the_provider(database, tmp_path):
    stop = Stop()
    service = polling([None, image()], sent=[])
    poll_before = service.poll

    async def poll(remote_id):
        stop.request(StopRunError("budget"))
        return await poll_before(remote_id)

    service = dataclasses.replace(service, poll=poll)
    assert ask_service(database, tmp_path, service, stop=stop).answer == '"image"'


def test_patience_counts_the_time_that_polls_take(database, tmp_path):
    async def poll(remote_id):
        await asyncio.sleep(0.05)
        raise UnbilledError("timed out")

    service = dataclasses.replace(polling([], sent=[]), poll=poll, patience_s=0.1)
    began = time.monotonic()
    with pytest.raises(InDoubtError):
        ask_service(database, tmp_path, service)
    assert time.monotonic() - began < 2.0


def test_an_answered_question_needs_no_turn(database, tmp_path):
    ask(database, tmp_path, Provider(image()))

    async def go():
        inbox = Inbox(tmp_path / "inbox")
        limits = Limits(Ceiling(1))
        asker = Asker(database, inbox, policy=Policy(), limits=limits, stop=Stop())
        async with limits.turn("fake/m-1"):  # nothing else may leave
            asking = asker.ask(QUESTION, Provider().service(), lane=1)
            answered = await asyncio.wait_for(asking, timeout=5)
        inbox.close()
        return answered

    assert json.loads(asyncio.run(go()).answer) == "image"
