"""Judging by a vlm: every paid vote is waited for, whatever ends one of them."""

import asyncio

import pytest

from engine.test_ask import database  # noqa: F401  # a fixture
from ggt.engine.ask import Asker, Policy, Service
from ggt.engine.inbox import Inbox, Received
from ggt.engine.limits import Limits
from ggt.engine.stop import Stop
from ggt.errors import BudgetError
from ggt.settings.quality import JudgeSettings
from ggt.stages import judge
from ggt.stages.probes import make_canaries
from ggt.stages.restore import Candidate, Workshop
from ggt.store import calls
from ggt.types import Assessment, Box
from vlm_answers import judgement

SIDE = 64


class Here:
    """A pool of no processes."""

    async def run(self, job, *args, **named):
        return job(*args, **named)


def test_votes_under_way_are_waited_for_when_one_of_them_meets_the_budget(
    database,  # noqa: F811
    tmp_path,
    monkeypatch,
):
    (tmp_path / "inbox").mkdir()
    body = judgement().model_dump_json().encode()

    def service(asked, request, *, kind):
        async def send(send_id):
            await asyncio.sleep(0.2)
            return Received("answer", body, cost_usd=0.1, version="j")

        async def read(got):
            return got.decode()

        return Service(send=send, read=read, worst_case_usd=0.1, repeatable=False)

    monkeypatch.setattr(judge, "answer_service", service)  # a vlm that answers slowly
    canary = make_canaries(SIDE, tmp_path)[0]
    candidate = Candidate(canary.lq.truth_blob, "h" * 64, {})
    unseen = Assessment("accept", None, (), (), None, {}, Box(0, 0, SIDE, SIDE))

    async def go():
        inbox = Inbox(tmp_path / "inbox")
        asker = Asker(
            database, inbox, policy=Policy(budget_usd=0.25), limits=Limits(8), stop=Stop()
        )
        workshop = Workshop(asker=asker, pool=Here(), clients=None, blobs=tmp_path, side=SIDE)
        case = judge.Case(canary.lq, candidate, unseen, (), 1, 0)
        settings = JudgeSettings(vlm="gpt_6_1_sol", votes=3)
        with pytest.raises(BudgetError):
            await judge.ask_judge(case, settings=settings, workshop=workshop, lane=1)
        return inbox

    inbox = asyncio.run(go())
    inbox.close()
    assert database.write_now(lambda c: calls.recover(c, inbox.answered())) == []
    assert database.write_now(calls.spend).settled_usd == pytest.approx(0.2)
