"""Build against the simulated provider with every fault on, killed with SIGKILL in between; compare bill and ledger.

    python -m benchmarks.money [--photos 500] [--kills 3] [--seed 0]

Everything speaks real HTTP through the vendors' own SDKs: pictures over Gemini's wire, prompts and verdicts over
OpenAI's. The simulator runs in a process of its own and keeps its own bill, a line for every request that it read.
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
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from tests.simulated_provider import simulated_provider

from ggt.images import encode_png, read_image
from ggt.simulator.behaviour import FAULTS
from ggt.sources.bundled import PHOTOS, bundled_folder
from ggt.stages.degrade import degrade_image

SIDE = 256
KINDS = ("noise", "haze", "defocus", "jpeg", "lowlight")
RATES = {"rate_limit_day": 0.0015, "rate_limit_spend": 0.0015, "timeout": 0.004}
"""The rarer faults: two end the run, one holds a connection as long as a client waits."""
USUAL_RATE = 0.012
RECIPE = f"""
[[lanes]]
restorer = "nano_banana_2"
prompt = "adaptive"
vlm = "gpt_6_1_sol"
[ingest]
side = {SIDE}
set_aside_clean = false
same_bits = 0
[restore]
max_attempts = 2
[quality.align]
min_side = 192
[quality.judge]
vlm = "gpt_6_1_sol"
[drift]
share = 0.02
max_detection = 1.0
max_psnr_db = 99.0
[budget]
usd = 1000.0
[limits.nano_banana_2]
start = 32
[limits.gpt_6_1_sol]
start = 32
"""
STOPPED = 3
"""The exit code of a build that stopped early and can be resumed."""
IMPATIENT = """
[nano_banana_2]
timeout_s = 20.0
[gpt_6_1_sol]
timeout_s = 20.0
"""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one bench came to; `problems` is empty when every promise held. Money in dollars."""

    num_runs: int
    num_kills: int
    num_requests: int
    num_in_doubt: int
    by_fault: dict[str, int]
    settled: float
    bill: float
    in_doubt: float
    problems: tuple[str, ...]


def write_photos(folder: Path, count: int, seed: int) -> None:
    """Cut squares out of bundled photos, degrade them, and write them beside their truths."""
    rng = np.random.default_rng(seed)
    whole = [read_image(bundled_folder() / photo.file).image for photo in PHOTOS]
    (folder / "truths").mkdir(parents=True)
    (folder / "photos").mkdir()
    lines = ["file,category,licence,scene,truth"]
    for number in range(count):
        image = whole[number % len(whole)]
        side = int(rng.integers(SIDE, min(image.shape[:2]) + 1))
        top, left = (int(rng.integers(0, length - side + 1)) for length in image.shape[:2])
        square = cv2.resize(
            image[top : top + side, left : left + side], (SIDE, SIDE), interpolation=cv2.INTER_AREA
        )
        kind = KINDS[number % len(KINDS)]
        lq = degrade_image(square, kind=kind, strength=0.5, seed=number).image
        name = f"{number:04d}.png"
        (folder / "truths" / name).write_bytes(encode_png(np.ascontiguousarray(square)))
        (folder / "photos" / name).write_bytes(encode_png(np.ascontiguousarray(lq)))
        lines.append(f"{name},general,CC0-1.0,{number},../truths/{name}")
    (folder / "photos" / "photos.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")


def behaviour() -> str:
    """Every fault that the simulator knows."""
    rates = {name: RATES.get(name, USUAL_RATE) for name in FAULTS}
    lines = [f"{name} = {rate}" for name, rate in rates.items()]
    return "delay_s = [0.05, 0.4]\nretry_after_s = 0.2\n[faults]\n" + "\n".join(lines) + "\n"


def build_command(folder: Path) -> list[str]:
    """The command a user would type."""
    return [
        *(sys.executable, "-m", "ggt", "build", str(folder / "photos"), "--json"),
        *("--out", str(folder / "ws"), "--recipe", str(folder / "recipe.toml")),
    ]


def run(
    command: list[str], environment: dict[str, str], *, kill_after_s: float | None
) -> tuple[int, str, str]:
    """Run a build, and kill it unless it ends before; returns code (-9 when killed), output and errors."""
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        output, errors = process.communicate(timeout=kill_after_s)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        output, errors = process.communicate()
    return process.returncode, output, errors


def compare(workspace: Path, lines: list[dict]) -> tuple[list[str], dict[str, float]]:
    """Hold ledger and bill against each other, send by send and in all."""
    ledger = sqlite3.connect(f"file:{workspace / 'ledger.sqlite'}?mode=ro", uri=True)
    sends = {
        identity: (call, state, cost, reserved)
        for identity, call, state, cost, reserved in ledger.execute(
            "SELECT id, call, state, cost_micro, reserved_micro FROM send WHERE repeatable = 0"
        )
    }
    ((settled,),) = ledger.execute("SELECT settled_micro FROM spend").fetchall()
    ledger.close()
    requests = Counter(line["send"] for line in lines)
    billed: Counter[str] = Counter()
    for line in lines:
        billed[line["send"]] += round(line["usd"] * 1e6)
    answered = {
        s
        for s, row in sends.items()
        if row[1] not in ("intent", "submitted", "in_doubt", "unbilled")
    }
    problems = [f"send {s} made {n} requests" for s, n in requests.items() if n > 1]
    problems += [f"a request of no send: {s!r}" for s in requests if s not in sends]
    problems += [
        f"{s} ({sends[s][1]}): ledger {sends[s][2]}, bill {billed[s]} micro-dollars"
        for s in answered
        if abs(sends[s][2] - billed[s])
        > 1  # the bill is rounded to the micro-dollar, the ledger upwards
    ]
    problems += [
        f"{s} is {sends[s][1]} and was billed"
        for s in billed
        if s in sends and sends[s][1] == "unbilled" and billed[s]
    ]
    problems += [f"{s} is still {row[1]}" for s, row in sends.items() if row[1] == "intent"]
    unresolved = Counter(sends[s][0] for s in requests if s in sends and sends[s][1] == "in_doubt")
    problems += [
        f"call {c} is in doubt {n} times under hold" for c, n in unresolved.items() if n > 1
    ]
    doubt = sum(row[3] for row in sends.values() if row[1] == "in_doubt")
    whole = sum(billed.values())
    slack = len(answered)
    if not settled - slack <= whole <= settled + doubt:
        problems.append(f"settled {settled} <= bill {whole} <= {settled} + {doubt} does not hold")
    money = {"settled": settled / 1e6, "bill": whole / 1e6, "in_doubt": doubt / 1e6}
    return problems, money


def bench(
    folder: Path, *, num_photos: int, num_kills: int, seed: int, most_runs: int = 60
) -> Outcome:
    """Build, kill, build again until nothing is left to do, and compare."""
    rng = random.Random(seed)
    write_photos(folder, num_photos, seed)
    (folder / "recipe.toml").write_text(RECIPE, encoding="utf-8")
    (folder / "models.toml").write_text(IMPATIENT, encoding="utf-8")
    with simulated_provider(
        folder,
        faults=behaviour(),
        seed=seed,
        truths=folder / "photos",
        recipe=folder / "recipe.toml",
    ) as server:
        environment = {
            **os.environ,
            **server.environment,
            "GGT_MODELS": str(folder / "models.toml"),
        }
        command = build_command(folder)
        kills, runs, code = 0, 0, STOPPED
        output = errors = ""
        while code in (STOPPED, -signal.SIGKILL) and runs < most_runs:
            runs += 1
            after_s = rng.uniform(6, 6 + num_photos / 25) if kills < num_kills else None
            code, output, errors = run(command, environment, kill_after_s=after_s)
            kills += code == -signal.SIGKILL
        time.sleep(0.5)  # what was under way at the provider is billed by now
        lines = server.lines
        problems, money = compare(folder / "ws", lines)
        if code not in (0, 1):
            problems.append(f"the last build ended {code}: {errors[-1000:]}")
        status = json.loads(output)
    by_fault = Counter(line["fault"] or "none" for line in lines)
    return Outcome(
        num_runs=runs,
        num_kills=kills,
        num_requests=len(lines),
        num_in_doubt=len(status["in_doubt"]),
        by_fault=dict(by_fault),
        problems=tuple(problems),
        **money,
    )


def main() -> None:
    """Print what a bench came to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=int, default=500)
    parser.add_argument("--kills", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        found = bench(
            Path(name), num_photos=options.photos, num_kills=options.kills, seed=options.seed
        )
    print(f"{found.num_runs} runs, {found.num_kills} kills, {found.num_requests} requests")
    print("faults met:", ", ".join(f"{name} {n}" for name, n in sorted(found.by_fault.items())))
    print(
        f"settled {found.settled:.4f} <= bill {found.bill:.4f} <= settled + {found.in_doubt:.4f} in doubt "
        f"({found.num_in_doubt} sends)"
    )
    print(f"{len(found.problems)} broken promises", *found.problems[:20], sep="\n")


if __name__ == "__main__":
    main()
