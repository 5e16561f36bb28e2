"""What the ledger costs: small calls through scheduler and `ask` against plain asyncio, and 100,000 photos in memory.

    python benchmarks/scheduler.py [--photos 100000]

Every call goes through claim, intent, reply, settle, attempt and lane state on a ledger with full syncs; only the
provider (a sleep) and quality control (nothing) are fake.
"""

import argparse
import asyncio
import random
import resource
import statistics
import tempfile
import time
from pathlib import Path

from ggt.engine.ask import Asker, Policy, Question, Service
from ggt.engine.inbox import Inbox, Received
from ggt.engine.limits import Limits
from ggt.engine.scheduler import Work, drain
from ggt.engine.stop import Stop
from ggt.settings.lanes import LaneSettings
from ggt.settings.recipe import Recipe
from ggt.stages.collect import PHOTO, RESULT, open_lanes
from ggt.stages.ingest import IngestedLq, IngestResult
from ggt.store import lanes, photos
from ggt.store.database import Database
from ggt.types import Box, LqRecord, Measurements, Photo

NUM_CALLS = 2_000
SLEEP_S = 0.05
UNDER_WAY = 64
REPETITIONS = 5
MEASURED = Measurements(1500, 1024, 3.2, 1.1, 0.2, 0.45, 0.3, 0.6, 0.2, 0.5)


def fill(database, count):
    """Write photos as ingest leaves them, then let the build tell copies apart and open their lanes."""
    rng = random.Random(0)
    for first in range(0, count, 5_000):
        some = range(first, min(count, first + 5_000))
        rows = [(n + 1, f"photos/{n:07d}.jpg", record(n, rng.getrandbits(64))) for n in some]

        def add(connection, rows=rows):
            for identity, path, result in rows:
                stated = PHOTO.dump_json(Photo(path=path, licence="CC0-1.0")).decode()
                photos.add_photos(connection, [(path, stated)])
                photos.photo_measured(connection, identity, result)

        database.write_now(add)
    recipe = Recipe(lanes=(LaneSettings(restorer="fake"),))
    asyncio.run(open_lanes(database, recipe, ()))


def record(number, perceptual_hash):
    """What ingest writes for one photo; no two are alike."""
    lq = LqRecord(
        pixel_hash=f"{number:064x}",
        blob=f"{number:064x}",
        native_blob=None,
        truth_blob=None,
        scale=1.0,
        category="rain",
        measurements=MEASURED,
    )
    result = IngestResult(
        path=f"photos/{number:07d}.jpg",
        outcome="ingested",
        source_sha256=f"{number:064x}",
        format="JPEG",
        perceptual_hash=f"{perceptual_hash:016x}",
        measured=MEASURED,
        category="rain",
        category_from="measured",
        category_confidence=0.7,
        lqs=(IngestedLq(record=lq, crop=Box(0, 0, 1024, 1024), measured=MEASURED),),
    )
    return RESULT.dump_json(result).decode()


async def run_all(database, inbox, *, sleep_s, repeatable):
    """Drain every ready lane: one call and one attempt each."""
    stop = Stop()
    letters = Inbox(inbox)
    asker = Asker(database, letters, policy=Policy(), limits=Limits(UNDER_WAY), stop=stop)

    async def send(_):
        await asyncio.sleep(sleep_s)
        return Received("answer", b'"x"')

    async def read(body):
        return body.decode()

    service = Service(send=send, read=read, worst_case_usd=0.0, repeatable=repeatable)

    async def process(lane_id):
        lane = database.read(lambda c: lanes.get_lane(c, lane_id))
        question = Question(
            stage="restore",
            provider="fake",
            model="m",
            prompt="p",
            inputs=(str(lane.lq),),
            parameters={},
            attempt=1,
            sample=0,
        )
        answered = await asker.ask(question, service, lane=lane_id)
        new = lanes.AttemptRow(
            1, answered.key, "{}", "c", f"h{lane_id}", "{}", "passed", None, "{}"
        )

        def finish(connection):
            lanes.record_attempt(connection, lane, new)
            lanes.set_state(connection, lane_id, "passed")

        await database.write(finish)

    async def fail(item, error):
        raise AssertionError(item) from error

    work = Work(
        claim=lambda limit: database.write(lambda c: lanes.claim(c, "bench", limit)),
        process=process,
        fail=fail,
        num_under_way=UNDER_WAY,
    )
    tally = await drain(work, stop)
    letters.close()
    return tally.num_done


async def plain():
    """Do the same sleeps with nothing but asyncio."""
    slots = asyncio.Semaphore(UNDER_WAY)

    async def one():
        async with slots:
            await asyncio.sleep(SLEEP_S)

    await asyncio.gather(*(one() for _ in range(NUM_CALLS)))


def rate(*, repeatable):
    """Measure plain asyncio and the ledger in turn; returns the median ratio of their rates."""
    ratios = []
    for _ in range(REPETITIONS):
        began = time.perf_counter()
        asyncio.run(plain())
        plain_s = time.perf_counter() - began
        with tempfile.TemporaryDirectory() as folder:
            database = Database(Path(folder) / "ledger.sqlite")
            inbox = Path(folder) / "inbox"
            inbox.mkdir()
            fill(database, NUM_CALLS)
            began = time.perf_counter()
            done = asyncio.run(run_all(database, inbox, sleep_s=SLEEP_S, repeatable=repeatable))
            ledger_s = time.perf_counter() - began
            database.close()
        assert done == NUM_CALLS
        ratios.append(plain_s / ledger_s)
        print(
            f"plain {NUM_CALLS / plain_s:7.0f}/s   ledger {NUM_CALLS / ledger_s:7.0f}/s   "
            f"share {ratios[-1]:.2f}"
        )
    return statistics.median(ratios)


def memory(count):
    """Take many photos through the ledger; returns the peak resident size in MB."""
    with tempfile.TemporaryDirectory() as folder:
        database = Database(Path(folder) / "ledger.sqlite")
        inbox = Path(folder) / "inbox"
        inbox.mkdir()
        fill(database, count)
        began = time.perf_counter()
        done = asyncio.run(run_all(database, inbox, sleep_s=0, repeatable=True))
        took = time.perf_counter() - began
        database.close()
    assert done == count
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{count} photos in {took:.0f} s ({count / took:.0f}/s), peak {peak:.0f} MB")
    return peak


def main():
    """Measure memory, then both rates."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=int, default=100_000)
    options = parser.parse_args()
    peak = memory(options.photos)
    print("paid calls, every reply through the inbox:")
    paid = rate(repeatable=False)
    print("free local calls:")
    free = rate(repeatable=True)
    print(
        f"median share of plain asyncio's rate: paid {paid:.2f}, free {free:.2f} (bound 0.70); "
        f"peak {peak:.0f} MB (bound 300)"
    )


if __name__ == "__main__":
    main()
