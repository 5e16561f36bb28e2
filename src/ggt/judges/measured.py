"""Measured: five aspects from image measurements alone, offline; it may reject, and is never proof of a good pair.

Weights, what is usual and thresholds were fitted by `ggt calibrate` on planted faults over clean photos and lie in
measured.json. It was validated on synthetic degradations and near-true targets, not on generative outputs.
"""

import functools
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from ggt.judges import Judge
from ggt.judges._detectors import MeasuredModel, Suspicion, suspect
from ggt.measure.evidence import Evidence
from ggt.types import ASPECTS, TRUST_CELLS, AspectVerdict, Box, Category, Defect

MODEL_FILE = Path(__file__).with_suffix(".json")
_LEVELS = ((3.0, 1), (0.0, 2), (-1.0, 3), (-3.0, 4))
"""Spreads of faithful pairs above the threshold from which a level holds; below all of them it is 5."""
_SEVERE = 8.0
"""An excess of so many spreads is a severity of 1."""


@functools.cache
def shipped() -> MeasuredModel:
    """The model that ggt ships."""
    return MeasuredModel.model_validate_json(MODEL_FILE.read_bytes())


def judge(evidence: Evidence, category: Category, strictness: float) -> tuple[AspectVerdict, ...]:
    """Judge by the shipped model."""
    return judge_by(shipped(), evidence, category=category, strictness=strictness)


def judge_by(
    model: MeasuredModel, evidence: Evidence, *, category: Category, strictness: float
) -> tuple[AspectVerdict, ...]:
    """Judge by any model: each aspect has the level of its most alarmed detector."""
    found = suspect(model, evidence.features, category, strictness=strictness)
    return tuple(
        _aspect_verdict(evidence, [s for s in found if s.target.aspect == aspect], index)
        for index, aspect in enumerate(ASPECTS)
    )


def _aspect_verdict(evidence: Evidence, found: list[Suspicion], index: int) -> AspectVerdict:
    worst = max(suspicion.excess for suspicion in found)
    level = next((level for least, level in _LEVELS if worst > least), 5)
    confidence = float(np.tanh(abs(worst) / 2))
    defects = tuple(_defect(evidence, s) for s in found if s.excess > 0)
    return AspectVerdict(ASPECTS[index], level, round(confidence, 3), defects)


def _defect(evidence: Evidence, suspicion: Suspicion) -> Defect:
    features = evidence.features
    kind, box = suspicion.name, None
    if kind == "object":
        lacks = features["lacking_3"] >= features["invented_3"]
        kind = "object_removed" if lacks else "object_added"
        box = _worst_place(evidence)
    said = ", ".join(f"{name} {value:.2f}" for name, value in suspicion.leading)
    return Defect(
        aspect=suspicion.target.aspect,
        kind=kind,
        severity=round(min(1.0, 0.2 + 0.8 * suspicion.excess / _SEVERE), 3),
        detail=f"{suspicion.excess:.1f} spreads beyond the bound for faithful pairs ({said})",
        box=box,
    )


def _worst_place(evidence: Evidence) -> Box | None:
    """The cell that matches least, with its neighbours, in pixels of the lq."""
    cells: Mapping[str, tuple[tuple[float, ...], ...]] = evidence.cells
    if "mismatch" not in cells:
        return None
    grid = np.array(cells["mismatch"])
    row, column = divmod(int(grid.argmax()), TRUST_CELLS)
    box = evidence.box
    left, right = max(0, column - 1), min(TRUST_CELLS, column + 2)
    top, bottom = max(0, row - 1), min(TRUST_CELLS, row + 2)
    width, height = box.width / TRUST_CELLS, box.height / TRUST_CELLS
    return Box(
        box.left + round(left * width),
        box.top + round(top * height),
        round((right - left) * width),
        round((bottom - top) * height),
    )


PLUGIN = Judge(
    judge=judge,
    source="Aspects: GGT-100K (arXiv 2605.31039); measurements, weights and thresholds: ggt's own calibration",
)
