"""Calibrate: what quality control catches and what it loses, over planted faults and faithful pairs.

Leave one photo out: everything that is fitted is fitted again without the photo that is judged. What was measured is
cached apart from thresholds, so that another fit takes seconds.
"""

import hashlib
import multiprocessing
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydantic import TypeAdapter

from ggt import __version__, plugins
from ggt.errors import UsageError
from ggt.judges._detectors import MeasuredModel
from ggt.judges.measured import judge_by
from ggt.settings.quality import QualitySettings
from ggt.sources import Source
from ggt.sources.bundled import bundled_folder
from ggt.sources.folder import list_images
from ggt.stages.align import align_defects
from ggt.stages.calibration.cases import Case, Cell, Level, measure_cell
from ggt.stages.calibration.fit import Table, fit, tabulate
from ggt.stages.judge import verdict
from ggt.stages.screen import screen
from ggt.store.blobs import write_durably
from ggt.types import QcStage

CASES = TypeAdapter(list[Case])


@dataclass(frozen=True, slots=True)
class Judged:
    """One case and the stage that rejected it, by bounds that never saw its photo; None when it was accepted."""

    photo: str
    degradation: str
    name: str
    level: Level
    decidable: bool
    stage: QcStage | None


@dataclass(frozen=True, slots=True)
class Rate:
    """A count with its share and the Wilson interval of the share at 95 %."""

    count: int
    total: int

    @property
    def share(self) -> float:
        """The count's part of the total; NaN without any case."""
        return self.count / self.total if self.total else float("nan")

    @property
    def interval(self) -> tuple[float, float]:
        """Lower and upper bound; 0 and 1 without any case."""
        if not self.total:
            return 0.0, 1.0
        z, n, p = 1.96, self.total, self.share
        middle = (p + z * z / (2 * n)) / (1 + z * z / n)
        half = z * (p * (1 - p) / n + z * z / (4 * n * n)) ** 0.5 / (1 + z * z / n)
        return max(0.0, middle - half), min(1.0, middle + half)


@dataclass(frozen=True, slots=True)
class Calibration:
    """Every case judged without its photo, and the model fitted on all photos."""

    judged: tuple[Judged, ...]
    model: MeasuredModel


def calibrate(
    photos: Path | None,
    *,
    deal_cells: Callable[[list[Path]], list[Cell]],
    cache: Path | None,
    num_processes: int,
    show: Callable[[str, int, int | None], None],
) -> Calibration:
    """Measure, fit and judge; without `photos`, on the photos that come with scikit-image.

    Raises:
        UsageError: fewer than two photos.
    """
    cells = deal_cells(find_photos(photos))
    cases = measure(
        cells,
        cache=cache,
        num_processes=num_processes,
        advance=_counter("measure", len(cells), show),
    )
    held = len({case.photo for case in cases})
    judged = leave_one_photo_out(
        cases, quality=QualitySettings(), advance=_counter("leave one photo out", held, show)
    )
    return Calibration(
        tuple(judged), fit_all(tabulate(cases), made_by=f"ggt {__version__} calibrate")
    )


def _counter(
    stage: str, total: int, show: Callable[[str, int, int | None], None]
) -> Callable[[int], None]:
    done = 0

    def advance(count: int) -> None:
        nonlocal done
        done += count
        show(stage, done, total)

    return advance


def measure(
    cells: Sequence[Cell],
    *,
    cache: Path | None,
    num_processes: int,
    advance: Callable[[int], None] = lambda _: None,
) -> list[Case]:
    """Measure all cells in processes; what `cache` already holds is read from there."""
    measured: dict[int, list[Case]] = {}
    missing: dict[int, Path | None] = {}
    for index, cell in enumerate(cells):
        file = cache / f"{_key(cell)}.json" if cache else None
        if file and file.exists():
            measured[index] = CASES.validate_json(file.read_bytes())
            advance(1)
        else:
            missing[index] = file
    context = multiprocessing.get_context("spawn")  # a fork of a process with threads may hang
    with ProcessPoolExecutor(num_processes, context) as pool:
        jobs = {pool.submit(measure_cell, cells[index]): index for index in missing}
        for job in as_completed(jobs):
            index = jobs[job]
            measured[index] = job.result()
            file = missing[index]
            if file:
                write_durably(file, CASES.dump_json(measured[index]))
            advance(1)
    return [case for index in sorted(measured) for case in measured[index]]


def _key(cell: Cell) -> str:
    """What a cell's measurements hang on; a change of measuring code within a version needs another cache folder."""
    parts = (
        __version__,
        cell.photo.stem,
        cell.other.stem,
        cell.degradation,
        cell.good,
        cell.faults,
        cell.lazy,
    )
    text = repr((*parts, cell.side, cell.seed))
    return f"{cell.photo.stem}-{cell.degradation}-{hashlib.sha256(text.encode()).hexdigest()[:12]}"


def find_photos(folder: Path | None) -> list[Path]:
    """List the clean photos of a folder, sorted; without one, those that come with scikit-image.

    Raises:
        UsageError: no such folder, or fewer than two photos in it.
    """
    if folder is None:
        root = bundled_folder()
        return [
            root / photo.path for photo in plugins.load("sources", "bundled", Source).find(root)
        ]
    photos = sorted(folder / path for path in list_images(folder).images)
    if len(photos) < 2:
        raise UsageError(
            f"{str(folder)!r} holds {len(photos)} photos: calibration needs at least 2"
        )
    return photos


def leave_one_photo_out(
    cases: Sequence[Case],
    *,
    quality: QualitySettings,
    advance: Callable[[int], None] = lambda _: None,
) -> list[Judged]:
    """Judge every case by bounds fitted without its photo."""
    table = tabulate(cases)
    judged: list[Judged] = []
    for photo in sorted(set(table.photo.tolist())):
        held = table.photo == photo
        model = fit(table, ~held, made_by="leave one photo out")
        judged += [
            judge_case(cases[i], model, quality=quality) for i in np.flatnonzero(held).tolist()
        ]
        advance(1)
    return judged


def judge_case(case: Case, model: MeasuredModel, *, quality: QualitySettings) -> Judged:
    """Judge one case by the recipe's bounds, as a build would, and a given model."""
    stage = _stage(
        case, model, quality.for_restorer(case.name) if case.level == "lazy" else quality
    )
    return Judged(case.photo, case.degradation, case.name, case.level, case.decidable, stage)


def _stage(case: Case, model: MeasuredModel, quality: QualitySettings) -> QcStage | None:
    if align_defects(case.evidence, settings=quality.align):
        return "align"
    if screen(case.evidence.features, settings=quality.screen_for(case.category)):
        return "screen"
    aspects = judge_by(
        model, case.evidence, category=case.category, strictness=quality.judge.strictness
    )
    said = verdict(aspects, min_level=quality.judge.min_level)
    return "judge" if said == "reject" else None


def fit_all(table: Table, *, made_by: str) -> MeasuredModel:
    """Fit on every photo: what ggt ships."""
    return fit(table, np.full(len(table.photo), True), made_by=made_by)


def kept(judged: Iterable[Judged]) -> Rate:
    """Faithful pairs that were accepted."""
    good = [j.stage is None for j in judged if j.level == "good"]
    return Rate(sum(good), len(good))


def caught(judged: Iterable[Judged], level: Level) -> Rate:
    """Decidable faults of a level that were rejected."""
    faulty = [j.stage is not None for j in judged if j.level == level and j.decidable]
    return Rate(sum(faulty), len(faulty))


def undecidable(judged: Iterable[Judged]) -> int:
    """Count the faults that their pair cannot show."""
    return sum(1 for j in judged if not j.decidable and j.level != "lazy")


def restoring(judged: Iterable[Judged]) -> Rate:
    """Candidates meant to restore nothing that did come nearer to the truth, and were accepted."""
    accepted = [j.stage is None for j in judged if not j.decidable and j.level == "lazy"]
    return Rate(sum(accepted), len(accepted))


def names_of(judged: Iterable[Judged]) -> list[str]:
    """List the faults that occur, in the order of their folder."""
    present = {j.name for j in judged if j.level in ("gross", "subtle")}
    return [name for name in plugins.names("faults") if name in present]
