"""1,000 pictures asked for at once: the memory of the process that asks, and how well it fills the provider's slots.

    python -m benchmarks.in_flight [--slots 1000] [--seconds 180] [--reply-side 256]

A server in a process of its own speaks OpenAI's wire, answers each picture after a drawn delay of 5 to 40 s, and
refuses what comes beyond its slots with 429. Asked is through the scheduler, `ask`, limits, inbox, ledger and the
client of providers/openai.py; decoding and quality control, which a build does in other processes, are left out.
"""

import argparse
import asyncio
import base64
import hashlib
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Generator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import numpy as np

from benchmarks.scheduler import fill
from ggt.engine.ask import Asker, Policy, Question
from ggt.engine.inbox import Inbox
from ggt.engine.limits import Ceiling, Limits
from ggt.engine.scheduler import Work, drain
from ggt.engine.stop import Stop
from ggt.errors import StopRunError
from ggt.images import encode_png
from ggt.models import Model, get_model
from ggt.providers import EditRequest
from ggt.stages.services import Asked, Clients, edit_service
from ggt.store import lanes
from ggt.store.database import Database

SHORTEST_S, LONGEST_S = 5.0, 40.0
RAMP_S = 60.0
"""The first sends all leave at once; by then their answers have spread out."""
LQ_SIDE = 1024
FILES_BESIDE_SOCKETS = 256
MEMORY_GOAL_MB, SHARE_GOAL = 2048, 0.95


class Provider:
    """The server: slots, a drawn delay, and what it has seen."""

    def __init__(self, slots, reply):
        self.slots = slots
        self.reply = reply
        self.rng = random.Random(0)
        self.under_way = self.most = self.num_answered = self.num_refused = 0
        self.busy_s = 0.0
        """The sum over all slots of the time in which they were at work."""
        self.changed = time.monotonic()

    def move(self, step):
        """Take a slot or give it back."""
        now = time.monotonic()
        self.busy_s += self.under_way * (now - self.changed)
        self.changed = now
        self.under_way += step
        self.most = max(self.most, self.under_way)

    async def answer(self):
        """Work on one picture; returns status and body."""
        if self.under_way >= self.slots:
            self.num_refused += 1
            return 429, b'{"error": {"message": "too many", "code": "rate_limit_exceeded"}}'
        self.move(1)
        await asyncio.sleep(self.rng.uniform(SHORTEST_S, LONGEST_S))
        self.move(-1)
        self.num_answered += 1
        return 200, self.reply

    def seen(self):
        """What it tells of itself, for nothing."""
        self.move(0)
        names = ("most", "num_answered", "num_refused", "busy_s", "changed", "under_way")
        return json.dumps({name: getattr(self, name) for name in names}).encode()

    async def serve(self, reader, writer):
        """Speak as much HTTP/1.1 as the client needs, request after request."""
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = 0
                for line in head.split(b"\r\n"):
                    if line.lower().startswith(b"content-length:"):
                        length = int(line.split(b":")[1])
                while length:
                    length -= len(await reader.read(min(length, 2**18)))
                status, body = (200, self.seen())
                if head.startswith(b"POST "):
                    status, body = await self.answer()
                writer.write(
                    b"HTTP/1.1 %d .\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
                    % (status, len(body))
                )
                writer.write(body)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # whoever asked has gone
        finally:
            writer.close()


async def be_the_provider(slots, side):
    """Serve until killed; the port is printed."""
    data = base64.b64encode(encode_png(picture(side, seed=1))).decode()
    reply = {"created": 0, "size": f"{side}x{side}", "data": [{"b64_json": data}]}
    provider = Provider(slots, json.dumps(reply).encode())
    server = await asyncio.start_server(provider.serve, "127.0.0.1", 0, backlog=2 * slots)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


@contextmanager
def provider_process(slots, side) -> Generator[str]:
    """Run the server; yields its address."""
    command = [sys.executable, "-m", "benchmarks.in_flight", "--serve"]
    command += ["--slots", str(slots), "--reply-side", str(side)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def picture(side, *, seed):
    """Draw what takes as many bytes as a real lq of this size: 1.7 MB for 1024 pixels."""
    rng = np.random.default_rng(seed)
    ramp = np.linspace(40, 200, side)[:, None, None]
    return np.clip(ramp + rng.normal(0, 5, (side, side, 3)), 0, 255).astype(np.uint8)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one run came to."""

    rate: float
    share: float
    most: int
    num_answered: int
    num_refused: int
    peak_mb: float
    cpu_ms: float


async def ask_all(database, folder, model, options):
    """Keep every slot at work for a while; returns what the provider saw at both ends of it."""
    stop = Stop()
    inbox = Inbox(folder / "inbox")
    who = f"{model.provider}/{model.id}"
    limits = Limits(1, {who: Ceiling(options.slots)}, stop=stop)
    asker = Asker(database, inbox, policy=Policy(num_resends=0), limits=limits, stop=stop)
    request = EditRequest("Remove the noise.", folder / "lq.png", LQ_SIDE, LQ_SIDE)

    async def read(body):
        return json.dumps(hashlib.sha256(body).hexdigest())

    async with AsyncExitStack() as stack:
        service = edit_service(Asked("asked", model, Clients(stack)), request, read=read)

        async def process(lane_id):
            lane = database.read(lambda c: lanes.get_lane(c, lane_id))
            question = Question(
                stage="restore",
                provider=model.provider,
                model=model.id,
                prompt=request.prompt,
                inputs=(str(lane.lq),),
                parameters={},
                attempt=1,
                sample=0,
            )
            answered = await asker.ask(question, service, lane=lane_id)
            assert answered.answer is not None, answered.detail
            await database.write(lambda c: lanes.set_state(c, lane_id, "passed"))

        async def fail(item, error):
            raise AssertionError(item) from error

        work = Work(
            claim=lambda limit: database.write(lambda c: lanes.claim(c, "bench", limit)),
            process=process,
            fail=fail,
            num_under_way=options.slots + 64,
        )
        draining = asyncio.create_task(drain(work, stop))
        ends = await watch(model.base_url, stop, options.seconds)
        stop.request(StopRunError("measured long enough"))
        await draining
        ends.append(await seen(model.base_url))
    inbox.close()
    return ends


async def watch(base_url, stop, seconds):
    """Let it settle, then look twice."""
    ends = []
    for pause in (RAMP_S, seconds):
        await stop.wait(pause)
        assert not stop.requested, f"it ended before it was measured: {stop.reason}"
        ends.append(await seen(base_url))
        print(f"{ends[-1]['under_way']} under way, {ends[-1]['num_answered']} answered", flush=True)
    return ends


async def seen(base_url):
    """Ask the provider what it saw."""
    async with httpx.AsyncClient(timeout=60.0) as client:
        return (await client.get(f"{base_url}/seen")).json()


def measure(options):
    """Run once and compare the ledger with the provider."""
    num_lanes = int((RAMP_S + options.seconds) * 2 * options.slots / (SHORTEST_S + LONGEST_S) * 1.5)
    with (
        tempfile.TemporaryDirectory() as name,
        provider_process(options.slots, options.reply_side) as address,
    ):
        folder = Path(name)
        (folder / "inbox").mkdir()
        (folder / "lq.png").write_bytes(encode_png(picture(LQ_SIDE, seed=0)))
        database = Database(folder / "ledger.sqlite")
        fill(database, num_lanes)
        own = {"base_url": address, "key_variable": "", "timeout_s": 300.0}
        model = Model.model_validate(get_model("gpt_image_2", "mfm").model_dump() | own)
        cpu_s = time.process_time()
        first, last, end = asyncio.run(ask_all(database, folder, model, options))
        cpu_s = time.process_time() - cpu_s
        states = Counter(database.read(states_of_sends))
        database.close()
    assert states == {"done": end["num_answered"]}, (states, end)
    took = last["changed"] - first["changed"]
    return Outcome(
        rate=(last["num_answered"] - first["num_answered"]) / took,
        share=(last["busy_s"] - first["busy_s"]) / (took * options.slots),
        most=end["most"],
        num_answered=end["num_answered"],
        num_refused=end["num_refused"],
        peak_mb=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        cpu_ms=1000 * cpu_s / end["num_answered"],
    )


def states_of_sends(connection):
    """How each send ended, by the ledger."""
    return [state for (state,) in connection.execute("SELECT state FROM send")]


def raise_file_limit(slots):
    """Let this process hold a socket and an open picture for each send, if the system allows."""
    needed = 2 * slots + FILES_BESIDE_SOCKETS
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < needed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(needed, hard), hard))
        print(f"open files allowed: {soft}, raised to {min(needed, hard)}")


def main():
    """Run and print the table's row."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--slots", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=180.0)
    parser.add_argument("--reply-side", type=int, default=256)
    parser.add_argument("--serve", action="store_true", help="be the provider")
    options = parser.parse_args()
    raise_file_limit(options.slots)
    if options.serve:
        asyncio.run(be_the_provider(options.slots, options.reply_side))
        return
    outcome = measure(options)
    allowed = 2 * options.slots / (SHORTEST_S + LONGEST_S)
    print(
        f"{outcome.num_answered} answered, {outcome.num_refused} refused, {outcome.most} under way at most\n"
        f"{outcome.rate:.1f} a second of {allowed:.1f} that slots and mean delay allow; slots at work "
        f"{outcome.share:.1%} of the time (goal {SHARE_GOAL:.0%})\n"
        f"peak {outcome.peak_mb:.0f} MB (goal {MEMORY_GOAL_MB}), {outcome.cpu_ms:.1f} CPU-ms a call"
    )


if __name__ == "__main__":
    main()
