"""How often `select` picks the candidate that is nearest to the truth, against aspects alone and against chance.

    python benchmarks/selection.py PHOTOS [--first 3] [--processes 2]

A simulation: clean photos are degraded, four lanes of the restorer `simulated` plant faults in their truths, and those
that quality control passes compete. In the second suite one lane is replaced by a candidate that restores too little:
a blend of truth and lq, the lq smoothed or sharpened, or what the classical engine makes of it. Nothing here is an
output of a generative model. Features and bound were chosen on photos 0, 6, 12, ...; the test is on 3, 9, 15, ...
"""

import argparse
import zlib
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from ggt import plugins
from ggt.degradations import Degradation
from ggt.measure.photo import measure_photo
from ggt.metrics import FullReference
from ggt.restorers import LocalRestorer
from ggt.settings.quality import AlignSettings, QualitySettings
from ggt.stages.align import cut
from ggt.stages.assess import assess
from ggt.stages.calibration.candidates import LAZY, restore_classically
from ggt.stages.calibration.cases import square
from ggt.stages.restore import plant_fault
from ggt.stages.select import enough_change, fidelity
from ggt.types import Assessment, Defect, Image, Prompt, RestoreTask

SIDE, NUM_LANES, NUM_ATTEMPTS, NUM_PHOTOS, EVERY = 512, 4, 3, 10, 6
QUALITY = QualitySettings(align=AlignSettings(min_side=448))
TIE_DB = 0.05
REJECTED = Defect("restoration_quality", "residual_degradation", 0.5, "the attempt before")
"""What a later attempt is told, so that it is faulty less often."""
BLENDS = (0.25, 0.5, 0.75)


@dataclass(frozen=True, slots=True)
class Tried:
    """A candidate that quality control passed, and its PSNR against the truth in dB."""

    assessment: Assessment
    psnr_db: float


@dataclass(frozen=True, slots=True)
class Case:
    """The passing candidates of one lq, and those that restore too little."""

    photo: str
    lanes: tuple[Tried, ...]
    weak: tuple[Tried, ...]


Rank = Callable[[Sequence[Assessment]], list[tuple[float, ...]]]


def worst_level(assessment: Assessment) -> int:
    """The level of the worst aspect."""
    return min((a.level for a in assessment.aspects if a.level is not None), default=0)


def by_aspects(assessments: Sequence[Assessment]) -> list[tuple[float, ...]]:
    """Worst aspect, then the mean weighted by confidence."""
    ranks: list[tuple[float, ...]] = []
    for assessment in assessments:
        known = [a for a in assessment.aspects if a.level is not None]
        weight = sum(a.confidence for a in known)
        mean = sum((a.level or 0) * a.confidence for a in known) / weight if weight else 0.0
        ranks.append((worst_level(assessment), mean))
    return ranks


def by_select(assessments: Sequence[Assessment]) -> list[tuple[float, ...]]:
    """The order of `ggt.stages.select`, without people."""
    bound = enough_change(list(assessments))
    return [(worst_level(a), a.scores["change"] >= bound, fidelity(a)) for a in assessments]


def case(photo: Path, other: Path, kind: str) -> Case:
    """Degrade a photo, let lanes compete, and make what restores too little; a pool job."""
    cv2.setNumThreads(1)
    truth, mixed_up = square(photo, SIDE), square(other, SIDE)
    degradation = plugins.load("degradations", kind, Degradation)
    rng = np.random.default_rng((11, zlib.crc32(f"{photo.stem} {kind}".encode())))
    lq = degradation.apply(truth, float(rng.uniform(0.15, 0.85)), rng).image
    restore = plugins.load("restorers", "simulated", LocalRestorer).restore
    task = RestoreTask(
        lq=lq,
        category=degradation.category,
        measurements=measure_photo(lq),
        prompt=Prompt("fixed", ""),
        seed=0,
        truth=truth,
        other=mixed_up,
        plant=plant_fault,
    )
    lanes: list[Tried] = []
    for lane in range(NUM_LANES):
        for attempt in range(NUM_ATTEMPTS):
            seed = zlib.crc32(f"{photo.stem}|{kind}|{lane}|{attempt}".encode())
            prompt = Prompt("fixed", "", (REJECTED,) if attempt else ())
            restored = restore(replace(task, seed=seed, prompt=prompt)).image
            tried = judge(restored, task, QUALITY)
            if tried is not None:
                lanes.append(tried)
                break
    weak = {f"blend {share}": blend(truth, lq, share) for share in BLENDS}
    weak |= {name: LAZY[name](lq, np.random.default_rng(3)) for name in ("smoothed", "sharpened")}
    found = [judge(image, task, QUALITY) for image in weak.values()]
    classical = restore_classically(lq, degradation.category)
    found.append(judge(classical, task, QUALITY.for_restorer("classical")))
    return Case(photo.stem, tuple(lanes), tuple(tried for tried in found if tried is not None))


def blend(truth: Image, lq: Image, share: float) -> Image:
    """Leave a share of the degradation."""
    return np.rint(truth * (1 - share) + lq * share).astype(np.uint8)


def judge(image: Image, task: RestoreTask, quality: QualitySettings) -> Tried | None:
    """Assess a candidate as a build does; None when it is rejected."""
    found = assess(task.lq, image, category=task.category, quality=quality, correct=True)
    if found.verdict != "accept":
        return None
    assert task.truth is not None
    right, down = found.correction
    box = replace(found.box, left=found.box.left + right, top=found.box.top + down)
    psnr = plugins.load("metrics", "psnr", FullReference).score
    return Tried(found, min(99.0, psnr(cut(image, box), cut(task.truth, found.box))))


def suites(cases: Sequence[Case]) -> dict[str, list[tuple[str, list[Tried]]]]:
    """Groups that compete, by photo: lanes alone, and up to three lanes with one that restores too little."""
    rng = np.random.default_rng(0)
    alone = [(c.photo, list(c.lanes)) for c in cases if len(c.lanes) > 1]
    mixed = [
        (c.photo, [*c.lanes[:3], c.weak[int(rng.integers(len(c.weak)))]])
        for c in cases
        if c.lanes and c.weak
    ]
    return {"four lanes": alone, "one of them restores too little": mixed}


def order(groups: Sequence[tuple[str, list[Tried]]], rank: Rank) -> dict[str, list[float]]:
    """Whether of two candidates the nearer one ranks higher; a tie counts half."""
    found: dict[str, list[float]] = {}
    for photo, group in groups:
        ranks = rank([tried.assessment for tried in group])
        for i in range(len(group)):
            for j in range(i):
                apart = group[i].psnr_db - group[j].psnr_db
                if abs(apart) > TIE_DB:
                    right = 0.5 if ranks[i] == ranks[j] else (ranks[i] > ranks[j]) == (apart > 0)
                    found.setdefault(photo, []).append(float(right))
    return found


def nearest(
    groups: Sequence[tuple[str, list[Tried]]], rank: Rank
) -> tuple[dict[str, list[float]], float]:
    """Whether the nearest of all is chosen, and the share by chance; groups of equals are left out."""
    found: dict[str, list[float]] = {}
    chance: list[float] = []
    for photo, group in groups:
        values = np.array([tried.psnr_db for tried in group])
        good = values >= values.max() - TIE_DB
        if good.all():
            continue
        ranks = rank([tried.assessment for tried in group])
        best = max(range(len(group)), key=lambda n: ranks[n])
        found.setdefault(photo, []).append(float(good[best]))
        chance.append(float(good.mean()))
    return found, float(np.mean(chance)) if chance else float("nan")


def told(found: dict[str, list[float]]) -> str:
    """A share with its 95 % interval, by a bootstrap over photos."""
    rng = np.random.default_rng(1)
    photos = sorted(found)
    values = [value for photo in photos for value in found[photo]]
    means = [
        np.mean([value for photo in rng.choice(photos, len(photos)) for value in found[photo]])
        for _ in range(2000)
    ]
    low, high = np.percentile(means, (2.5, 97.5))
    return f"{100 * np.mean(values):.1f} % ({100 * low:.0f} to {100 * high:.0f}), n = {len(values)}"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photos", type=Path)
    parser.add_argument("--first", type=int, default=3)
    parser.add_argument("--processes", type=int, default=2)
    options = parser.parse_args()
    files = sorted(p for p in options.photos.iterdir() if p.suffix in (".jpg", ".png"))
    chosen = files[options.first :: EVERY][:NUM_PHOTOS]
    kinds = plugins.names("degradations")
    with ProcessPoolExecutor(options.processes) as pool:
        jobs = [
            pool.submit(case, photo, chosen[(n + 1) % len(chosen)], kind)
            for n, photo in enumerate(chosen)
            for kind in kinds
        ]
        cases = [job.result() for job in jobs]
    print("| suite | question | select | aspects alone | chance |\n|---|---|---|---|---|")
    for name, groups in suites(cases).items():
        orders = [told(order(groups, rank)) for rank in (by_select, by_aspects)]
        print(f"| {name} | two in the right order | {orders[0]} | {orders[1]} | 50 % |")
        chosen_of = [nearest(groups, rank) for rank in (by_select, by_aspects)]
        shares = [told(found) for found, _ in chosen_of]
        print(
            f"| {name} | the nearest is chosen | {shares[0]} | {shares[1]} | {100 * chosen_of[0][1]:.0f} % |"
        )


if __name__ == "__main__":
    main()
