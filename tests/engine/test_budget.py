"""The budget is never passed: not with 64 sends under way, not after a crash, not by retries of what is in doubt."""

import asyncio
import dataclasses
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.test_ask import QUESTION
from ggt.engine.ask import Asker, Policy, Service
from ggt.engine.inbox import Inbox, Received
from ggt.engine.limits import Limits
from ggt.engine.stop import Stop
from ggt.providers import InDoubtError, RateLimitedError
from ggt.stages.prepare import book_replies
from ggt.store import calls
from ggt.store.database import Database

WORST_USD = 0.10
NUM_CALLS = 24
FATES = ("answered", "refused", "lost", "limited", "crashed")


class Crash(BaseException):
    """What kill -9 is to a test: nothing after it runs."""


@settings(max_examples=25, deadline=None)
@given(
    budget_usd=st.floats(0.0, 1.5),
    fates=st.lists(st.sampled_from(FATES), min_size=NUM_CALLS * 3, max_size=NUM_CALLS * 3),
    costs=st.lists(st.floats(0.0, WORST_USD), min_size=NUM_CALLS * 3, max_size=NUM_CALLS * 3),
    allowance_usd=st.floats(0.0, 0.5),
)
def test_bill_and_doubts_stay_within_the_budget(budget_usd, fates, costs, allowance_usd):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "inbox").mkdir()
        bill: list[float] = []
        for _ in range(2):  # a run, a crash in it perhaps, and the run after it
            run(folder, bill, fates, costs, budget_usd=budget_usd, allowance_usd=allowance_usd)
            spent = look(folder)
            committed = spent.settled_usd + spent.under_way_usd + spent.in_doubt_usd
            assert committed <= budget_usd + 1e-5
            assert sum(bill) <= budget_usd + 1e-4  # a cost is rounded to whole micro-dollars
            assert spent.settled_usd <= sum(bill) + 1e-4
            assert sum(bill) <= committed + 1e-4


def run(folder, bill, fates, costs, *, budget_usd, allowance_usd):
    """Ask everything at once, as a build does, after settling what a crash left."""
    database = Database(folder / "ledger.sqlite")
    inbox = Inbox(folder / "inbox")
    answered = book_replies(database, inbox)
    database.write_now(lambda c: calls.recover(c, answered))
    database.write_now(lambda c: calls.allow_retries(c, calls.micro(allowance_usd)))

    async def send(send_id):
        draw = len(bill)
        bill.append(0.0)
        fate, cost = fates[draw % len(fates)], costs[draw % len(costs)]
        await asyncio.sleep(0)
        if fate == "limited":
            raise RateLimitedError("429", scope="minute")
        bill[draw] = cost
        if fate == "lost":
            raise InDoubtError("no answer")
        if fate == "crashed":
            raise Crash
        return Received("refused" if fate == "refused" else "answer", b"x", cost_usd=cost)

    async def read(body):
        return '"x"'

    async def go():
        policy = Policy(budget_usd=budget_usd, num_unbilled=2, first_delay_s=0.0)
        asker = Asker(database, inbox, policy=policy, limits=Limits(64), stop=Stop())
        service = Service(send=send, read=read, worst_case_usd=WORST_USD, repeatable=False)
        questions = [dataclasses.replace(QUESTION, sample=n) for n in range(NUM_CALLS)]
        asked = (quietly(asker.ask(question, service, lane=None)) for question in questions)
        await asyncio.gather(*asked)

    asyncio.run(go())
    inbox.close()
    database.close()


async def quietly(asking):
    """Let an ask end as it may."""
    try:
        await asking
    except (Exception, Crash):  # noqa: BLE001  # only the money matters here
        return


def look(folder):
    database = Database(folder / "ledger.sqlite")
    try:
        return database.read(calls.spend)
    finally:
        database.close()
