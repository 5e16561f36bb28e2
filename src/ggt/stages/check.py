"""Check: the quality control of a build over anybody's folders of pairs."""

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ggt.errors import ImageReadError, UsageError
from ggt.images import read_image
from ggt.settings.quality import QualitySettings
from ggt.sources.folder import list_images
from ggt.stages.assess import assess
from ggt.types import Assessment, Category

LQ_FOLDER = "lq"
HQ_FOLDERS = ("hq", "gt")


@dataclass(frozen=True, slots=True)
class PairFiles:
    """The two files of one pair; `id` is their common path below lq/ and hq/, without suffix."""

    id: str
    lq: Path
    hq: Path


@dataclass(frozen=True, slots=True)
class CheckFailure:
    """A pair that could not be judged at all, and why."""

    id: str
    reason: str


@dataclass(frozen=True, slots=True)
class Checked:
    """One judged pair."""

    id: str
    assessment: Assessment


def find_pairs(folder: Path) -> tuple[list[PairFiles], list[CheckFailure]]:
    """Match lq/ and hq/ (or gt/) below a folder by path without suffix.

    Raises:
        UsageError: a side's folder is missing, or there is no image in either.
    """
    seen = _by_stem(_side(folder, (LQ_FOLDER,)))
    offered = _by_stem(_side(folder, HQ_FOLDERS))
    pairs: list[PairFiles] = []
    failures: list[CheckFailure] = []
    for stem in sorted(seen.keys() | offered.keys()):
        lq, hq = seen.get(stem, []), offered.get(stem, [])
        if len(lq) == len(hq) == 1:
            pairs.append(PairFiles(stem, lq[0], hq[0]))
        else:
            failures.append(CheckFailure(stem, _why_no_pair(lq, hq)))
    if not pairs and not failures:
        raise UsageError(f"{str(folder)!r}: no images in its {LQ_FOLDER}/ and hq/ (or gt/) folders")
    return pairs, failures


def _side(folder: Path, names: Sequence[str]) -> Path:
    for name in names:
        if (folder / name).is_dir():
            return folder / name
    raise UsageError(
        f"{str(folder)!r} has no folder {'/ or '.join(names)}/: a folder of pairs holds lq/ and hq/ (or gt/)"
    )


def _by_stem(side: Path) -> dict[str, list[Path]]:
    found: dict[str, list[Path]] = {}
    for path in list_images(side).images:
        found.setdefault(str(PurePosixPath(path).with_suffix("")), []).append(side / path)
    return found


def _why_no_pair(lq: Sequence[Path], hq: Sequence[Path]) -> str:
    if not lq or not hq:
        return f"no partner for {(lq or hq)[0].name!r}: its {'lq' if not lq else 'hq'} is missing"
    several = lq if len(lq) > 1 else hq
    return f"several files of one name: {', '.join(repr(path.name) for path in several)}"


def check(
    pairs: Sequence[PairFiles],
    *,
    category: Category,
    quality: QualitySettings,
    num_processes: int,
    advance: Callable[[int], None] = lambda _: None,
) -> Iterator[Checked | CheckFailure]:
    """Judge pairs in processes, in the order in which they are done; nothing is corrected or resized."""
    context = multiprocessing.get_context("spawn")  # a fork of a process with threads may hang
    with ProcessPoolExecutor(num_processes, context, initializer=_one_thread) as pool:
        jobs = [pool.submit(check_pair, pair, category=category, quality=quality) for pair in pairs]
        for job in as_completed(jobs):
            advance(1)
            yield job.result()


def check_pair(
    pair: PairFiles, *, category: Category, quality: QualitySettings
) -> Checked | CheckFailure:
    """Read and judge one pair; a pool job. Unreadable files and unequal sizes are failures, not verdicts."""
    try:
        lq, hq = read_image(pair.lq).image, read_image(pair.hq).image
    except ImageReadError as error:
        return CheckFailure(pair.id, str(error))
    if lq.shape != hq.shape:
        sizes = [f"{side.shape[1]}x{side.shape[0]}" for side in (lq, hq)]
        return CheckFailure(
            pair.id, f"lq is {sizes[0]} and hq {sizes[1]}: sides must have one size"
        )
    least = quality.align.min_checked_side
    if min(lq.shape[:2]) < least:
        size = f"{lq.shape[1]}x{lq.shape[0]}"
        return CheckFailure(
            pair.id, f"{size} is too small to be judged: at least {least} px a side"
        )
    return Checked(pair.id, assess(lq, hq, category=category, quality=quality, correct=False))


def _one_thread() -> None:
    import cv2

    cv2.setNumThreads(1)
