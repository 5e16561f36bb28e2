"""The inbox: what was stored is there after any crash, and what is torn is never taken for a reply."""

import asyncio
import resource
import signal
import subprocess
import sys
from contextlib import contextmanager

import pytest

from ggt.engine.inbox import Inbox, Received, stored_replies
from ggt.errors import StorageError

REPLIES = {f"send-{n}": Received("answer", bytes([n + 1]) * 1000, 0.04, "v", "") for n in range(5)}


def store(folder, replies):
    """Store replies that wait together, then end as a crash would: nothing is forgotten."""

    async def together():
        inbox = Inbox(folder)
        done = await asyncio.gather(
            *(inbox.store(send, received) for send, received in replies.items()),
            return_exceptions=True,
        )
        inbox.close()
        return done

    return asyncio.run(together())


def files(folder):
    return sorted(folder.iterdir())


@contextmanager
def opened(folder):
    inbox = Inbox(folder)
    yield inbox
    inbox.close()


@contextmanager
def no_file_larger_than(num_bytes):
    """Make the disk full for this process: writing beyond the bound fails with EFBIG."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (num_bytes, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)
    signal.signal(signal.SIGXFSZ, ignored)


def test_what_was_stored_is_read_back_after_a_restart(tmp_path):
    replies = REPLIES | {
        "refused": Received("refused", b"", 0.01, "v-2", "not allowed: \N{SNOWMAN}\n"),
        "empty": Received("no_image", b"only text"),
    }
    assert store(tmp_path, replies) == [None] * 7
    with opened(tmp_path) as inbox:
        assert inbox.answered() == replies.keys()
        assert {send: inbox.read(send) for send in replies} == replies
        assert inbox.read("send-9") is None
        assert not inbox.has("send-9")


def test_closing_finishes_what_was_handed_over(tmp_path):
    async def go():
        inbox = Inbox(tmp_path)
        stores = [asyncio.create_task(inbox.store(send, REPLIES[send])) for send in REPLIES]
        await asyncio.sleep(0)
        inbox.close()
        await asyncio.gather(*stores)

    asyncio.run(go())
    assert stored_replies(tmp_path).keys() == REPLIES.keys()


def test_replies_that_wait_together_share_a_file(tmp_path):
    many = {f"s{n}": Received("answer", b"x" * 100) for n in range(500)}
    store(tmp_path, many)
    assert len(files(tmp_path)) < 20
    assert stored_replies(tmp_path).keys() == many.keys()


def test_large_replies_do_not_all_wait_for_one_file(tmp_path):
    images = {f"s{n}": Received("answer", bytes([n]) * 5_000_000) for n in range(9)}
    store(tmp_path, images)
    assert max(path.stat().st_size for path in files(tmp_path)) < 16 * 2**20 + 5_001_000
    assert len(files(tmp_path)) >= 3
    assert stored_replies(tmp_path).keys() == images.keys()


def test_a_file_stays_until_the_last_of_its_replies_is_forgotten(tmp_path):
    store(tmp_path, REPLIES)
    with opened(tmp_path) as inbox:
        for send in list(REPLIES)[:-1]:
            inbox.forget(send)
            assert not inbox.has(send)
        assert inbox.read("send-4") == REPLIES["send-4"]
    with opened(tmp_path) as inbox:
        assert inbox.read("send-4") == REPLIES["send-4"]
        for send in inbox.answered():
            inbox.forget(send)
    assert files(tmp_path) == []


@pytest.mark.parametrize("num_whole", [0, 1, 2, 3, 4])
def test_of_a_torn_file_only_the_whole_replies_are_taken(tmp_path, num_whole):
    (torn,) = all_in_one_file(tmp_path)
    data = torn.read_bytes()
    size = len(data) // 5
    for cut in (num_whole * size, num_whole * size + 20, (num_whole + 1) * size - 1):
        torn.write_bytes(data[:cut])
        assert list(stored_replies(tmp_path)) == list(REPLIES)[:num_whole]
        torn.write_bytes(
            data[:cut].ljust(len(data), b"\0")
        )  # as a file system fills what was never written
        assert list(stored_replies(tmp_path)) == list(REPLIES)[:num_whole]


def test_a_damaged_reply_leaves_the_others_readable(tmp_path):
    (path,) = all_in_one_file(tmp_path)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with opened(tmp_path) as inbox:
        assert inbox.answered() == REPLIES.keys() - {"send-2"}
        assert inbox.read("send-2") is None
        assert inbox.read("send-3") == REPLIES["send-3"]


def all_in_one_file(folder):
    """Write the five replies as one batch: the writer's files, one after the other, are what one batch holds."""
    store(folder, REPLIES)
    data = {path: path.read_bytes() for path in files(folder)}
    ordered = b"".join(data[path] for path in sorted(data, key=lambda p: p.stat().st_mtime_ns))
    for path in data:
        path.unlink()
    (folder / "send-0.replies").write_bytes(ordered)
    return files(folder)


def test_what_a_crash_left_before_the_rename_is_no_reply_and_is_removed(tmp_path):
    (whole,) = all_in_one_file(tmp_path)
    whole.rename(tmp_path / ".send-0.replies.17.tmp")
    with opened(tmp_path) as inbox:
        assert inbox.answered() == frozenset()
    assert files(tmp_path) == []


def test_a_reply_that_does_not_fit_on_the_disk_does_not_take_the_others_with_it(tmp_path):
    large = {"large": Received("answer", b"x" * 200_000)}
    with no_file_larger_than(100_000):
        outcomes = dict(zip([*REPLIES, "large"], store(tmp_path, REPLIES | large), strict=True))
    assert isinstance(outcomes.pop("large"), StorageError)
    assert set(outcomes.values()) == {None}
    assert stored_replies(tmp_path).keys() == REPLIES.keys()
    assert all(path.suffix == ".replies" for path in files(tmp_path))


def test_a_full_disk_is_told_to_everybody_and_the_inbox_goes_on_when_there_is_room(tmp_path):
    async def full_then_free():
        inbox = Inbox(tmp_path)
        with no_file_larger_than(10):
            told = await asyncio.gather(
                *(inbox.store(send, received) for send, received in REPLIES.items()),
                return_exceptions=True,
            )
        await inbox.store("later", Received("answer", b"x"))
        inbox.close()
        return told

    told = asyncio.run(full_then_free())
    assert all(isinstance(error, StorageError) and "full" in str(error) for error in told)
    assert list(stored_replies(tmp_path)) == ["later"]


KILLED = """
import asyncio, os, signal, sys
from pathlib import Path
from ggt.engine.inbox import Inbox, Received

async def main():
    inbox = Inbox(Path(sys.argv[1]))
    async def one(n):
        await inbox.store(f"send-{n}", Received("answer", bytes(50_000)))
        os.write(1, f"send-{n}\\n".encode())
        if n == 40:
            os.kill(os.getpid(), signal.SIGKILL)
    await asyncio.gather(*(one(n) for n in range(200)))

asyncio.run(main())
"""


def test_a_killed_process_loses_no_reply_that_store_returned_from(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    returned = done.stdout.split()
    assert "send-40" in returned
    assert set(returned) <= stored_replies(tmp_path).keys()
