"""Kill builds and compare: nothing is paid twice, every doubt is listed, the end is the same.

    python benchmarks/crash.py [--seeds 100] [--first 0]

Each seed: a fake provider that takes money runs in a process of its own and keeps its own bill. `ggt build` is killed
with SIGKILL up to three times, at named points or at random moments, then finished under `hold`, checked against the
bill, then finished under `retry` and compared with a build that nobody interrupted.
"""

import argparse
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from ggt.engine.crashpoints import CRASHPOINTS

ROOT = Path(__file__).resolve().parents[1]
FAKES = ROOT / "tests" / "fakes"
NUM_PHOTOS = 4
SIDE = 256


@dataclass(frozen=True, slots=True)
class Case:
    """What one seed showed; `problems` is empty when every promise held."""

    seed: int
    kills: tuple[str, ...]
    num_in_doubt: int
    problems: tuple[str, ...]


def make_photos(folder: Path) -> None:
    """Write a few small noisy pictures, different enough to be no duplicates."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(NUM_PHOTOS):
        rng = np.random.default_rng(number)
        coarse = rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)
        picture = cv2.resize(coarse, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC).astype(np.int16)
        picture += rng.integers(-20, 21, picture.shape, dtype=np.int16)
        cv2.imwrite(str(folder / f"photo{number}.png"), np.clip(picture, 0, 255).astype(np.uint8))


def write_recipe(path: Path) -> None:
    """Ask for small sides, so that a build takes seconds, and for no resends: a call's second send breaks a promise."""
    path.write_text(
        '[[lanes]]\nrestorer = "paid"\nsamples = 2\n[ingest]\nside = 256\nset_aside_clean = false\n'
        "[restore]\nmax_attempts = 2\nnum_resends = 0\n[budget]\nusd = 50.0\nnum_under_way = 8\n"
        "[quality.align]\nmin_side = 192\n[drift]\nshare = 0.0\n[limits.paid]\nstart = 8\n",
        encoding="utf-8",
    )


@contextmanager
def paid_server(bill: Path, seed: int) -> Generator[str]:
    """Run the fake provider; yields its address."""
    command = [sys.executable, str(FAKES / "paid_server.py"), str(bill), "--seed", str(seed)]
    process = subprocess.Popen(
        [*command, "--delay", "0.05", "--faults"], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    try:
        yield f"http://127.0.0.1:{int(process.stdout.readline())}/restore"
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def build_command(folder: Path, workspace: Path, *options: str) -> list[str]:
    """The command a user would type."""
    return [
        *(sys.executable, "-m", "ggt", "build", str(folder / "photos"), "--out", str(workspace)),
        *("--recipe", str(folder / "recipe.toml"), "--licence", "CC0-1.0", "--processes", "1"),
        *("--json", *options),
    ]


def environment(address: str, crash_at: str | None = None) -> dict[str, str]:
    """Let the builds find the fake plugin and its server."""
    paths = [str(FAKES / "paid_plugin"), os.environ.get("PYTHONPATH", "")]
    value = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, paths)), "PAID_URL": address}
    value |= {"GGT_MODELS": str(FAKES / "paid_plugin" / "models.toml")}
    return value | ({"GGT_CRASH_AT": crash_at} if crash_at else {})


def run_to_end(command: list[str], address: str) -> subprocess.CompletedProcess[str]:
    """Run a build that nobody kills."""
    return subprocess.run(
        command, env=environment(address), capture_output=True, text=True, check=False, timeout=300
    )


def run_and_kill(command: list[str], address: str, rng: random.Random) -> str:
    """Run a build and kill it, at a named point or at a random moment; says which, or that it ended first."""
    if rng.random() < 0.7:
        name = rng.choice(CRASHPOINTS)
        most = 1 if name in ("after_duplicates", "after_claim") else NUM_PHOTOS
        where = f"{name}:{rng.randint(1, most)}"
        done = subprocess.run(
            command, env=environment(address, where), capture_output=True, check=False, timeout=300
        )
        return where if done.returncode == -signal.SIGKILL else f"ended before {where}"
    process = subprocess.Popen(
        command, env=environment(address), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    after = rng.uniform(0.8, 4.0)
    try:
        process.wait(timeout=after)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return f"after {after:.2f} s"
    return f"ended before {after:.2f} s"


def manifest(workspace: Path) -> list[tuple[str | int, ...]]:
    """What a workspace came to, without anything that time or order may change."""
    ledger = sqlite3.connect(f"file:{workspace / 'ledger.sqlite'}?mode=ro", uri=True)
    rows = ledger.execute(
        "SELECT photo.path, photo.state, lq.pixel_hash, lane.sample, lane.state, attempt.number, "
        "attempt.call, attempt.pixel_hash, attempt.outcome, attempt.assessment FROM photo "
        "LEFT JOIN lq ON lq.photo = photo.id LEFT JOIN lane ON lane.lq = lq.id "
        "LEFT JOIN attempt ON attempt.lane = lane.id ORDER BY 1, 3, 4, 6"
    ).fetchall()
    ledger.close()
    return rows


def read_bill(bill: Path) -> tuple[Counter[str], dict[str, int]]:
    """Read the provider's own log: how often each send arrived, what each was billed."""
    started: Counter[str] = Counter()
    billed: dict[str, int] = {}
    for line in bill.read_text(encoding="utf-8").splitlines():
        kind, send, *cost = line.split()
        if kind == "start":
            started[send] += 1
        else:
            billed[send] = billed.get(send, 0) + int(cost[0])
    return started, billed


def check_money(workspace: Path, bill: Path, *, held: bool) -> list[str]:
    """Compare ledger and bill; `held` forbids a second submission of any call."""
    started, billed = read_bill(bill)
    ledger = sqlite3.connect(f"file:{workspace / 'ledger.sqlite'}?mode=ro", uri=True)
    sends = {
        identity: (call, state, cost, reserved)
        for identity, call, state, cost, reserved in ledger.execute(
            "SELECT id, call, state, cost_micro, reserved_micro FROM send"
        )
    }
    (settled,) = ledger.execute("SELECT settled_micro FROM spend").fetchone()
    ledger.close()
    problems: list[str] = []
    problems += [f"send {send} arrived {n} times" for send, n in started.items() if n > 1]
    problems += [f"send {send} is unknown to the ledger" for send in started if send not in sends]
    calls = Counter(sends[send][0] for send in started if send in sends)
    if held:
        problems += [f"call {call} was submitted {n} times" for call, n in calls.items() if n > 1]
    answered = {
        s for s, row in sends.items() if row[1] in ("done", "refused", "no_image", "bad_output")
    }
    doubtful = {s for s, row in sends.items() if row[1] == "in_doubt"}
    problems += [
        f"unanswered {send} is not in doubt" for send in set(started) - answered - doubtful
    ]
    problems += [
        f"{send}: ledger {sends[send][2]}, bill {billed.get(send, 0)}"
        for send in answered
        if sends[send][2] != billed.get(send, 0)
    ]
    whole, doubt = sum(billed.values()), sum(sends[send][3] for send in doubtful)
    if not settled <= whole <= settled + doubt:
        problems.append(f"settled {settled} <= bill {whole} <= {settled} + {doubt} does not hold")
    return problems


def uninterrupted(folder: Path) -> list[tuple[str | int, ...]]:
    """Make photos and recipe in `folder`, build once in peace, and return the manifest."""
    make_photos(folder / "photos")
    write_recipe(folder / "recipe.toml")
    with paid_server(folder / "reference-bill", seed=-1) as address:
        done = run_to_end(build_command(folder, folder / "reference"), address)
    assert done.returncode == 0, done.stderr
    return manifest(folder / "reference")


def try_seed(folder: Path, seed: int, expected: list[tuple[str | int, ...]]) -> Case:
    """Kill, hold, check, retry, compare."""
    rng = random.Random(seed)
    workspace, bill = folder / f"w{seed}", folder / f"bill{seed}"
    command = build_command(folder, workspace)
    with paid_server(bill, seed) as address:
        kills = tuple(run_and_kill(command, address, rng) for _ in range(rng.randint(1, 3)))
        time.sleep(0.15)  # what was under way at the provider is billed by now
        held = run_to_end(command, address)
        if held.returncode != 0:
            return Case(seed, kills, 0, (f"hold ended {held.returncode}: {held.stderr[-2000:]}",))
        problems = check_money(workspace, bill, held=True)
        listed = {entry["send"] for entry in json.loads(held.stdout)["in_doubt"]}
        retry = build_command(
            folder, workspace, "--in-doubt", "retry", "--in-doubt-allowance", "40"
        )
        retried = run_to_end(retry, address)
        problems += [] if retried.returncode == 0 else [f"retry ended: {retried.stderr}"]
        problems += check_money(workspace, bill, held=False)
        if manifest(workspace) != expected:
            problems.append("the manifest differs from the uninterrupted build's")
        started, _ = read_bill(bill)
        again = run_to_end(retry, address)
        if again.returncode or read_bill(bill)[0] != started:
            problems.append("a run with nothing left to do sent something")
    return Case(seed, kills, len(listed), tuple(problems))


def main() -> None:
    """Try every seed and print what broke."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--first", type=int, default=0)
    options = parser.parse_args()
    num_kills = num_doubts = num_broken = 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        expected = uninterrupted(folder)
        for seed in range(options.first, options.first + options.seeds):
            case = try_seed(folder, seed, expected)
            num_kills += sum("ended before" not in kill for kill in case.kills)
            num_doubts += case.num_in_doubt
            num_broken += bool(case.problems)
            print(
                seed,
                ", ".join(case.kills),
                f"{case.num_in_doubt} in doubt",
                *case.problems,
                flush=True,
            )
    print(
        f"{options.seeds} seeds, {num_kills} kills, {num_doubts} sends in doubt, {num_broken} broken"
    )


if __name__ == "__main__":
    main()
