"""What each metric costs: CPU milliseconds for a 1024x1024 picture on one thread.

python benchmarks/metrics.py [PHOTO]      # writes benchmarks/metrics.md

Without PHOTO it takes scikit-image's `astronaut`, enlarged, with noise. NIQE is timed where its parameters were
imported (`ggt weights import`). CPU time, not wall time: other work on the machine disturbs it less.
"""

import argparse
import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import cv2
import numpy as np
from skimage import data

from ggt import plugins
from ggt.errors import MissingWeightsError
from ggt.images import read_image, resize
from ggt.metrics import FullReference, NoReference
from ggt.types import Image

SIDE = 1024
ROUNDS = 15
PYIQA_MS = 5450
"""SSIM (4403 ms) and NIQE (1050 ms) of pyiqa 0.1.16 at the same size, CPU time on one core of another machine."""
MACHINE = "2-core Intel Xeon 2.8 GHz, Linux, Python 3.11"
REPORT = Path(__file__).with_suffix(".md")


def main() -> None:
    """Time every metric and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photo", type=Path, nargs="?")
    photo: Path | None = parser.parse_args().photo
    cv2.setNumThreads(1)
    gt = picture(photo)
    noise = np.random.default_rng(0).normal(0, 10, gt.shape)
    restored = np.clip(gt + noise, 0, 255).astype(np.uint8)
    costs = {name: cost for name in plugins.names("metrics") if (cost := timed(name, restored, gt))}
    text = report(costs, photo.name if photo else "scikit-image's astronaut, enlarged")
    REPORT.write_text(text)
    print(text)


def picture(photo: Path | None) -> Image:
    """Return a picture of SIDE x SIDE."""
    image = read_image(photo).image[:SIDE, :SIDE] if photo else data.astronaut()
    return np.ascontiguousarray(resize(image, SIDE, SIDE))


def timed(name: str, restored: Image, gt: Image) -> list[float] | None:
    """Return the CPU milliseconds of ROUNDS calls, None where the weights are missing."""
    metric = plugins.load("metrics", name, (FullReference, NoReference))
    if isinstance(metric, FullReference):
        compare = metric.score
        return rounds(lambda: compare(restored, gt))
    look = metric.score
    try:
        return rounds(lambda: look(restored))
    except MissingWeightsError as error:
        print(f"{name} is not timed: {error}")
        return None


def rounds(call: Callable[[], float]) -> list[float]:
    """Time a call after a first one that warms up."""
    call()
    costs: list[float] = []
    for _ in range(ROUNDS):
        start = time.process_time()
        call()
        costs.append(1000 * (time.process_time() - start))
    return costs


def report(costs: dict[str, list[float]], shown: str) -> str:
    """Lay out the table."""
    lines = [
        "# What the metrics cost",
        "",
        f"`python benchmarks/metrics.py`; {SIDE}x{SIDE} RGB ({shown}, against the same with noise), one thread,",
        f"CPU time, median of {ROUNDS} calls (and the fastest); {MACHINE}, which did other work meanwhile.",
        "",
        "| metric | CPU ms, median | fastest |",
        "|---|---:|---:|",
        *(
            f"| {name} | {statistics.median(times):.1f} | {min(times):.1f} |"
            for name, times in costs.items()
        ),
    ]
    if "niqe" in costs:
        both = statistics.median(costs["ssim"]) + statistics.median(costs["niqe"])
        lines += [
            "",
            f"SSIM and NIQE together: {both:.0f} ms, {PYIQA_MS / both:.0f} times cheaper than the {PYIQA_MS} ms",
            "that were measured for pyiqa 0.1.16 on one core (another machine: an AMD EPYC).",
        ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
