"""Demo: bundled clean photos, degraded, restored by the rehearsal and by the classical engine, judged, released."""

import json
import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from ggt import plugins
from ggt.images import decode_image
from ggt.metrics import FullReference
from ggt.settings.ingest import IngestSettings
from ggt.settings.lanes import LaneSettings
from ggt.settings.recipe import Recipe
from ggt.sources import Source
from ggt.sources.bundled import bundled_folder
from ggt.stages.build import Advance, build
from ggt.stages.degrade import DegradePlan, degrade_photos
from ggt.stages.ingest import crop_image
from ggt.stages.outcomes import pairs
from ggt.stages.prepare import BuildRequest
from ggt.stages.release.publish import ReleaseRequest, publish
from ggt.stages.release.samples import cut_pair
from ggt.stages.release.write import NothingToReleaseError
from ggt.stages.report import write_report
from ggt.store.workspace import Layout, Reading, open_readonly
from ggt.types import Pair

KINDS = ("noise", "haze", "lowlight", "defocus", "old", "jpeg", "snow", "rain", "camera", "scaling")
RESTORERS = ("simulated", "classical")


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """What one restorer's build came to, with the truth known.

    `planted` counts (fault, verdict) over all attempts of the rehearsal, fault `none` being faithful; empty for others.
    PSNR is in dB against the truth, medians over the accepted pairs' crops, None without pairs.
    """

    restorer: str
    workspace: Path
    num_lqs: int
    num_pairs: int
    planted: Mapping[tuple[str, str], int]
    psnr_lq: float | None
    psnr_hq: float | None

    def count(self, verdict: str, *, faulty: bool) -> int:
        """Count attempts by verdict, faulty or faithful ones."""
        return sum(
            count
            for (fault, said), count in self.planted.items()
            if said == verdict and (fault != "none") == faulty
        )


def run_demo(out: Path, *, seed: int, advance: Advance) -> list[Rehearsed]:
    """Make the demo below `out`: photos/, and a workspace for each restorer; going on where an earlier one ended.

    Raises:
        StorageError: `out` cannot be written.
        StopRunError: interrupted; run again to go on.
    """
    root = bundled_folder()
    photos = list(plugins.load("sources", "bundled", Source).find(root))
    plan = DegradePlan(kinds=KINDS, seed=seed, per_photo=1, weakest=0.25, strongest=0.6)

    def one_degraded(count: int) -> None:
        nonlocal done
        done += count
        advance("degrade bundled photos", done, len(photos))

    done = 0
    degrade_photos(photos, root, out=out / "photos", plan=plan, advance=one_degraded)
    return [_rehearse(out, restorer, advance) for restorer in RESTORERS]


def _rehearse(out: Path, restorer: str, advance: Advance) -> Rehearsed:
    workspace = out / restorer
    recipe = Recipe(
        lanes=(LaneSettings(restorer=restorer),),
        ingest=IngestSettings(set_aside_clean=False),
    )
    request = BuildRequest(folder=out / "photos", out=workspace, recipe=recipe)
    stopped = build(
        request, advance=lambda what, done, total: advance(f"{restorer}: {what}", done, total)
    )
    if stopped is not None:
        raise stopped
    with open_readonly(workspace) as reading:
        return _summarise(reading, restorer)


def _summarise(reading: Reading, restorer: str) -> Rehearsed:
    accepted = list(pairs(reading))
    planted: Counter[tuple[str, str]] = Counter()
    for notes, outcome in reading.ledger.execute("SELECT notes, outcome FROM attempt"):
        fault = json.loads(notes).get("fault")
        if fault is not None:
            planted[fault, outcome] += 1
    (num_lqs,) = reading.ledger.execute("SELECT count(*) FROM lq").fetchone()
    scores = [_true_psnr(reading.layout, pair) for pair in accepted]
    return Rehearsed(
        restorer=restorer,
        workspace=reading.layout.folder,
        num_lqs=num_lqs,
        num_pairs=len(accepted),
        planted=planted,
        psnr_lq=_middle([lq for lq, _ in scores]),
        psnr_hq=_middle([hq for _, hq in scores]),
    )


def _true_psnr(layout: Layout, pair: Pair) -> tuple[float, float]:
    """Measure what only a rehearsal can: both sides of a pair against the truth, on the pair's crop."""
    assert pair.truth_blob is not None
    psnr = plugins.load("metrics", "psnr", FullReference).score
    lq, hq = cut_pair(pair, layout.read_blob)
    whole = decode_image(layout.read_blob(pair.truth_blob)).image
    truth = crop_image(whole, pair.assessment.box)
    return psnr(lq, truth), psnr(hq, truth)


def _middle(values: list[float]) -> float | None:
    finite = [min(value, 99.0) if math.isfinite(value) else 99.0 for value in values]
    return median(finite) if finite else None


@dataclass(frozen=True, slots=True)
class Shown:
    """What the demo leaves to look at; `dataset` is None when no pair of the rehearsal was accepted."""

    dataset: Path | None
    report: Path


def show(out: Path) -> Shown:
    """Release the rehearsal's pairs to out/dataset, and write its report to out/report."""
    workspace, dataset = out / RESTORERS[0], out / "dataset"
    page = write_report(workspace, out / "report", num_pairs=24)
    try:
        publish(workspace, ReleaseRequest(to=dataset))
    except NothingToReleaseError:
        return Shown(None, page)
    return Shown(dataset, page)
