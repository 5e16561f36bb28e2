"""Score: a folder of restored images, each against its gt or by itself, with means and their intervals."""

import csv
import io
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
from jaxtyping import Float64

from ggt import plugins
from ggt.errors import GgtError, UsageError
from ggt.images import read_image
from ggt.metrics import FullReference, Metric, NoReference
from ggt.metrics._planes import check_same_size
from ggt.sources.folder import list_images
from ggt.store.blobs import write_durably
from ggt.types import Image
from ggt.weights.imported import read_weights

NUM_RESAMPLES = 2000
CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class ScoredImage:
    """The scores of one image by column: `psnr@gt`, `niqe`. What could not be scored is in the failures."""

    name: str
    scores: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class ScoreFailure:
    """Why an image has no scores, or not the one of `column`."""

    name: str
    column: str | None
    reason: str


@dataclass(frozen=True, slots=True)
class ScoreSummary:
    """One column over all its images.

    `mean` is over the finite scores, None when there are none; `num_infinite` counts the others (identical images under
    PSNR). `low` and `high` bound the mean at 95 %, by a percentile bootstrap over images; None below two images.
    """

    column: str
    definition: str
    higher_is_better: bool
    num_images: int
    num_infinite: int
    mean: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class ScoreReport:
    """All that `score` found; `ignored` are files that are no images by their names."""

    images: tuple[ScoredImage, ...]
    summaries: tuple[ScoreSummary, ...]
    failures: tuple[ScoreFailure, ...]
    ignored: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Column:
    name: str
    metric: Metric


def score(
    restored: Path,
    gt: Path | None,
    metrics: Sequence[str],
    *,
    seed: int = 0,
    show: Callable[[int, int], None] | None = None,
) -> ScoreReport:
    """Score every image below `restored`; its gt is the file below `gt` of the same path but for the suffix.

    An image without a gt, a gt without an image, an unreadable file and unequal sizes are listed as failures and the
    rest goes on. `seed` fixes the resampling; `show(done, total)` is told how far it is.

    Raises:
        UsageError: no such folder or metric, a full-reference metric without `gt`, weights that are missing.
    """
    columns = _columns(metrics, has_gt=gt is not None)
    outputs = _by_stem(restored)
    targets = _by_stem(gt) if gt else _Stems({}, (), ())
    failures = [*outputs.failures, *targets.failures]
    images: list[ScoredImage] = []
    for done, (stem, path) in enumerate(outputs.paths.items(), start=1):
        scored, failed = _score_one(path, targets.paths.get(stem), columns, gt is not None)
        failures += [ScoreFailure(stem, column, reason) for column, reason in failed]
        if scored:
            images.append(ScoredImage(stem, scored))
        if show:
            show(done, len(outputs.paths))
    failures += [
        ScoreFailure(stem, None, f"no restored image beside the gt {str(path)!r}")
        for stem, path in targets.paths.items()
        if stem not in outputs.paths
    ]
    return ScoreReport(
        images=tuple(images),
        summaries=tuple(_summary(column, images, seed) for column in columns),
        failures=tuple(failures),
        ignored=(*outputs.ignored, *targets.ignored),
    )


def write_scores(path: Path, report: ScoreReport) -> None:
    """Write one line a score: image, column, definition, value, and why it is missing; a failed image has one line."""
    definitions = {summary.column: summary.definition for summary in report.summaries}
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(["image", "metric", "definition", "value", "failure"])
    for image in report.images:
        for column, value in image.scores.items():
            lines.writerow([image.name, column, definitions[column], repr(value), ""])
    for failure in report.failures:
        column = failure.column or ""
        lines.writerow([failure.name, column, definitions.get(column, ""), "", failure.reason])
    write_durably(path, text.getvalue().encode())


def _columns(names: Sequence[str], *, has_gt: bool) -> list[_Column]:
    """Load the metrics and check, before any work, that each has what it needs."""
    if not names:
        raise UsageError(f"no metric was named; there are: {', '.join(plugins.names('metrics'))}")
    columns: list[_Column] = []
    for name in dict.fromkeys(names):
        metric = plugins.load("metrics", name, (FullReference, NoReference))
        if isinstance(metric, FullReference) and not has_gt:
            raise UsageError(
                f"{name!r} compares with a gt: name its folder with --gt, or leave it out"
            )
        if metric.weights is not None:
            read_weights(metric.weights)
        columns.append(_Column(f"{name}@gt" if isinstance(metric, FullReference) else name, metric))
    return columns


@dataclass(frozen=True, slots=True)
class _Stems:
    """The images of a folder by their path without suffix."""

    paths: Mapping[str, Path]
    failures: tuple[ScoreFailure, ...]
    ignored: tuple[str, ...]


def _by_stem(folder: Path) -> _Stems:
    listing = list_images(folder)
    paths: dict[str, Path] = {}
    failures: list[ScoreFailure] = []
    for file in listing.images:
        stem = PurePosixPath(file).with_suffix("").as_posix()
        first = paths.setdefault(stem, folder / file)
        if first != folder / file:
            reason = f"{str(folder / file)!r} was left out: {first.name!r} has the same name"
            failures.append(ScoreFailure(stem, None, reason))
    others = tuple(str(folder / other) for other in listing.others)
    return _Stems(paths, tuple(failures), others)


def _score_one(
    path: Path, gt_path: Path | None, columns: list[_Column], wants_gt: bool
) -> tuple[dict[str, float], list[tuple[str | None, str]]]:
    """Return the scores of one image by column, and what failed, None for all columns."""
    scores: dict[str, float] = {}
    failed: list[tuple[str | None, str]] = []
    try:
        image = read_image(path).image
    except GgtError as error:
        return {}, [(None, str(error))]
    gt: Image | None = None
    if wants_gt:
        try:
            gt = _read_gt(path, gt_path, image)
        except GgtError as error:
            failed.append((None, str(error)))
    for column in columns:
        if isinstance(column.metric, FullReference) and gt is None:
            continue
        try:
            scores[column.name] = _value(column.metric, image, gt)
        except GgtError as error:
            failed.append((column.name, str(error)))
    return scores, failed


def _read_gt(path: Path, gt_path: Path | None, image: Image) -> Image:
    if gt_path is None:
        raise UsageError(f"no gt of the same name for {str(path)!r}")
    gt = read_image(gt_path).image
    check_same_size(image, gt)
    return gt


def _value(metric: Metric, image: Image, gt: Image | None) -> float:
    if isinstance(metric, NoReference):
        return metric.score(image)
    assert gt is not None, "columns that compare are skipped without a gt"
    return metric.score(image, gt)


def _summary(column: _Column, images: list[ScoredImage], seed: int) -> ScoreSummary:
    found = [image.scores[column.name] for image in images if column.name in image.scores]
    finite = np.array([value for value in found if math.isfinite(value)])
    low, high = mean_interval(finite, seed=seed) if len(finite) > 1 else (None, None)
    return ScoreSummary(
        column=column.name,
        definition=column.metric.definition,
        higher_is_better=column.metric.higher_is_better,
        num_images=len(found),
        num_infinite=len(found) - len(finite),
        mean=float(finite.mean()) if len(finite) else None,
        low=low,
        high=high,
    )


def mean_interval(values: Float64[np.ndarray, " images"], *, seed: int) -> tuple[float, float]:
    """Bound the mean of two or more values at 95 %: percentiles of the means of resampled images."""
    rng = np.random.default_rng(seed)
    means = [values[rng.integers(0, len(values), len(values))].mean() for _ in range(NUM_RESAMPLES)]
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(means, [tail, 1 - tail])
    return float(low), float(high)
