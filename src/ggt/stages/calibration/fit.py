"""Fit: from measured calibration cases to detectors: weights, what is usual, and thresholds.

Weights are a regularised logistic regression per detector, faulty against faithful. What is usual, and thresholds,
come from scores of photos that the weights have not seen (folds by photo). Thresholds share one budget of faithful
pairs that may be lost: each is put where catching one more share of its faults stops being worth the faithful pairs it
costs, at the price at which the budget is met; scores are blurred a little, so that thresholds lie within gaps, not at
their rims.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64, Int64

from ggt.judges._detectors import CLIP, TARGETS, Detector, MeasuredModel
from ggt.stages.calibration.cases import Case
from ggt.types import CATEGORIES, Category

RIDGE = 10.0
FOLDS = 8
BUDGET = 0.03
"""Share of faithful pairs that all detectors together may lose on the photos they are fitted on."""
SHRINK = 30
"""A category counts by itself as far as it has more faithful pairs than this."""
BLUR = 0.5
"""Width of the blur of scores, in spreads of faithful pairs."""
_SILENT = -1e3
_GRID = np.linspace(0.5, 30, 120)

Scores = Float64[np.ndarray, "cases detectors"]
Rows = Bool[np.ndarray, " cases"]
_Usual = dict[Category, tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True, slots=True)
class Table:
    """Cases as arrays; `rows` of a fit are masks over them."""

    names: tuple[str, ...]
    values: Float64[np.ndarray, "cases features"]
    photo: np.ndarray
    degradation: np.ndarray
    category: np.ndarray
    name: np.ndarray
    level: np.ndarray
    decidable: Rows

    @property
    def good(self) -> Rows:
        """Faithful pairs."""
        return self.level == "good"

    def targets(self, detector: str) -> Rows:
        """Decidable faults that a detector should find."""
        target, lazy = TARGETS[detector], self.level == "lazy"
        planted = np.isin(self.name, target.faults) & ~self.good & ~lazy
        return (planted | (lazy & target.lazy)) & self.decidable & self.heard(detector)

    def heard(self, detector: str) -> Rows:
        """Cases of the categories that a detector looks at."""
        return np.isin(self.category, TARGETS[detector].categories)


@dataclass(frozen=True, slots=True)
class _Linear:
    names: tuple[str, ...]
    columns: Int64[np.ndarray, " chosen"]
    centres: Float64[np.ndarray, " chosen"]
    spreads: Float64[np.ndarray, " chosen"]
    weights: Float64[np.ndarray, " chosen"]
    bias: float

    def scores(self, values: Float64[np.ndarray, "cases features"]) -> np.ndarray:
        scaled = (values[:, self.columns] - self.centres) / self.spreads
        return np.clip(scaled, -CLIP, CLIP) @ self.weights + self.bias


def tabulate(cases: Sequence[Case]) -> Table:
    """Turn cases into arrays; all must have the same features."""
    names = tuple(sorted(cases[0].evidence.features))
    values = np.array([[case.evidence.features[name] for name in names] for case in cases])
    return Table(
        names=names,
        values=np.nan_to_num(values, posinf=CLIP, neginf=-CLIP),
        photo=np.array([case.photo for case in cases]),
        degradation=np.array([case.degradation for case in cases]),
        category=np.array([case.category for case in cases]),
        name=np.array([case.name for case in cases]),
        level=np.array([case.level for case in cases]),
        decidable=np.array([case.decidable for case in cases]),
    )


def fit(table: Table, rows: Rows, *, made_by: str) -> MeasuredModel:
    """Fit all detectors on the cases of `rows`."""
    linear = _fit_all(table, rows)
    unseen = _unseen_scores(table, rows)
    usual: _Usual = {category: _usual(table, rows, unseen, category) for category in CATEGORIES}
    normal = _normalise(table, unseen, usual)
    thresholds = _thresholds(table, rows, normal)
    detectors = {
        name: Detector(
            names=part.names,
            centres=_rounded(part.centres),
            spreads=_rounded(part.spreads),
            weights=_rounded(part.weights),
            bias=round(part.bias, 5),
            usual=_usual_of(usual, j, TARGETS[name].categories),
            threshold=round(float(thresholds[j]), 4),
        )
        for j, (name, part) in enumerate(linear.items())
    }
    return MeasuredModel(
        made_by=made_by,
        num_photos=len(set(table.photo[rows].tolist())),
        num_good=int((table.good & rows).sum()),
        num_faults=int((~table.good & rows).sum()),
        detectors=detectors,
    )


def _usual_of(
    usual: _Usual, detector: int, categories: Sequence[Category]
) -> dict[Category, tuple[float, float]]:
    found: dict[Category, tuple[float, float]] = {}
    for category in categories:
        middle, spread = usual[category]
        found[category] = (round(float(middle[detector]), 5), round(float(spread[detector]), 5))
    return found


def _rounded(values: np.ndarray) -> tuple[float, ...]:
    return tuple(float(f"{value:.6g}") for value in values)


def _fit_all(table: Table, rows: Rows) -> dict[str, _Linear]:
    good = table.values[table.good & rows]
    low, high = np.quantile(good, (0.05, 0.95), axis=0)
    centres = np.median(good, axis=0)
    spreads = (high - low) / 3.3 + 0.15 * good.std(axis=0) + 1e-3
    fitted: dict[str, _Linear] = {}
    for name, target in TARGETS.items():
        names = tuple(target.choose(table.names))
        chosen = np.array([table.names.index(n) for n in names])
        used = rows & ((table.good & table.heard(name)) | table.targets(name))
        scaled = np.clip(
            (table.values[used][:, chosen] - centres[chosen]) / spreads[chosen], -CLIP, CLIP
        )
        weights = _logistic(scaled, ~table.good[used])
        fitted[name] = _Linear(
            names, chosen, centres[chosen], spreads[chosen], weights[:-1], float(weights[-1])
        )
    return fitted


def _logistic(values: np.ndarray, faulty: np.ndarray) -> np.ndarray:
    """Regularised logistic regression by Newton's method; faults weigh half as much as faithful pairs in all."""
    design = np.hstack([values, np.ones((len(values), 1))])
    ridge = np.diag(np.append(np.full(values.shape[1], RIDGE), 1e-3))
    share = 0.5 * (~faulty).sum() / max(int(faulty.sum()), 1)
    importance = np.where(faulty, share, 1.0)
    weights = np.zeros(design.shape[1])
    for _ in range(9):
        chance = _sigmoid(design @ weights)
        slope = design.T @ (importance * (chance - faulty)) + ridge @ weights
        curvature = (design * (importance * chance * (1 - chance) + 1e-6)[:, None]).T @ design
        weights = weights - np.asarray(np.linalg.solve(curvature + ridge, slope))
    return weights


def _sigmoid(values: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-np.clip(values, -30, 30)))


def _unseen_scores(table: Table, rows: Rows) -> Scores:
    """Score every case by weights that were fitted without its photo's fold."""
    photos = sorted(set(table.photo[rows].tolist()))
    order = np.random.default_rng(1).permutation(len(photos))
    scores = np.zeros((len(table.photo), len(TARGETS)))
    for fold in range(min(FOLDS, len(photos))):
        held = np.isin(table.photo, [photos[i] for i in order[fold::FOLDS]])
        for j, part in enumerate(_fit_all(table, rows & ~held).values()):
            scores[held, j] = part.scores(table.values[held])
    return scores


def _usual(
    table: Table, rows: Rows, scores: Scores, category: Category
) -> tuple[np.ndarray, np.ndarray]:
    """Middle and upper spread of faithful scores of one category, drawn towards those of all."""
    everywhere = scores[table.good & rows]
    own = scores[table.good & rows & (table.category == category)]
    share = len(own) / (len(own) + SHRINK)
    own = own if len(own) else everywhere
    middles, spreads = (
        share * one + (1 - share) * two
        for one, two in zip(_location(own), _location(everywhere), strict=True)
    )
    return middles, np.maximum(spreads + 0.2 * everywhere.std(axis=0), 1e-3)


def _location(scores: Scores) -> tuple[np.ndarray, np.ndarray]:
    middle = np.median(scores, axis=0)
    return middle, (np.quantile(scores, 0.9, axis=0) - middle) / 1.28


def _normalise(table: Table, scores: Scores, usual: _Usual) -> Scores:
    normal = scores.copy()
    for category, (middle, spread) in usual.items():
        own = table.category == category
        normal[own] = (scores[own] - middle) / spread
    for j, name in enumerate(TARGETS):
        normal[~table.heard(name), j] = _SILENT
    return normal


def _thresholds(table: Table, rows: Rows, normal: Scores) -> Float64[np.ndarray, " detectors"]:
    good = normal[table.good & rows]
    lost = _sigmoid((good[:, :, None] - _GRID) / BLUR).mean(axis=0)
    caught = np.stack(
        [
            _caught(normal[table.targets(name) & rows, j], len(target.faults))
            for j, (name, target) in enumerate(TARGETS.items())
        ]
    )
    cheap, dear = 0.01, 2000.0
    thresholds = _GRID[np.argmax(caught - dear * lost, axis=1)]
    for _ in range(30):
        price = (cheap * dear) ** 0.5
        tried = _GRID[np.argmax(caught - price * lost, axis=1)]
        if (good > tried).any(axis=1).mean() > BUDGET:
            cheap = price
        else:
            dear, thresholds = price, tried
    return thresholds


def _caught(scores: np.ndarray, num_kinds: int) -> np.ndarray:
    if not scores.size:
        return np.zeros(_GRID.size)
    return num_kinds * _sigmoid((scores[:, None] - _GRID) / BLUR).mean(axis=0)
