"""Assess: everything measured and judged about one (lq, candidate); the one function that all commands share."""

from collections.abc import Sequence

from ggt import plugins
from ggt.errors import NotMeasurableError
from ggt.measure.comparison import compare
from ggt.measure.detail import Features, log
from ggt.measure.evidence import Evidence
from ggt.metrics import NoReference
from ggt.settings.quality import QualitySettings
from ggt.stages.align import Aligned, align, align_defects, comparable
from ggt.stages.judge import measured_aspects, trust_map, verdict
from ggt.stages.screen import screen
from ggt.types import ASPECTS, AspectVerdict, Assessment, Box, Category, Defect, Image, QcStage

_USUAL_NATURALNESS = 4.0
_FAILED_LEVELS = ((0.8, 1), (0.0, 2))
"""Severity of a gate's defect from which an aspect has this level."""


def assess(
    lq: Image, candidate: Image, *, category: Category, quality: QualitySettings, correct: bool
) -> Assessment:
    """Measure and judge; `correct` undoes small whole-pixel shifts by cropping (build), or never does (check)."""
    measured = evidence(lq, candidate, category=category, quality=quality, correct=correct)
    return decide(measured, category=category, quality=quality)


def evidence(
    lq: Image, candidate: Image, *, category: Category, quality: QualitySettings, correct: bool
) -> Evidence:
    """Measure everything that costs time; no threshold is applied but those of the crop."""
    del category  # measurements are the same for all
    sizes = (lq.shape[1], lq.shape[0]), (candidate.shape[1], candidate.shape[0])
    whole = Box(0, 0, *sizes[0])
    if comparable(*sizes, settings=quality.align) is not None:
        return Evidence(*sizes, box=whole)
    aligned = align(lq, candidate, settings=quality.align, correct=correct)
    compared = compare(aligned.lq, aligned.hq, aligned.registration, factor=aligned.factor)
    return Evidence(
        *sizes,
        box=aligned.box,
        correction=aligned.correction,
        alignment=aligned.registration.alignment,
        features=_geometry(aligned) | compared.features | _naturalness(aligned),
        cells={"mismatch": compared.mismatch},
    )


def _geometry(aligned: Aligned) -> Features:
    found = aligned.registration
    return {
        "shift_px": found.shift_px,
        "affine_px": found.affine_px,
        "warp_px": found.warp_px,
        "matched": found.matched,
        "support": found.alignment.support,
    }


def _naturalness(aligned: Aligned) -> Features:
    """Logarithms of how far both sides are from clean photos; where one cannot be measured, of a usual photo."""
    metric = plugins.load("metrics", "naturalness", NoReference)
    values: list[float] = []
    for side in (aligned.lq, aligned.hq):
        try:
            values.append(log(metric.score(side)))
        except NotMeasurableError:
            values.append(log(_USUAL_NATURALNESS))
    return {
        "unnatural_lq": values[0],
        "unnatural_hq": values[1],
        "unnatural_more": values[1] - values[0],
    }


def decide(evidence: Evidence, *, category: Category, quality: QualitySettings) -> Assessment:
    """Apply thresholds to evidence: align, then screen, then judge; the first stage that rejects ends it."""
    found = align_defects(evidence, settings=quality.align)
    if found:
        return _rejected(evidence, "align", found)
    found = screen(evidence.features, settings=quality.screen_for(category))
    if found:
        return _rejected(evidence, "screen", found)
    aspects = measured_aspects(evidence, category, settings=quality.judge)
    said = verdict(aspects, min_level=quality.judge.min_level)
    defects = [defect for aspect in aspects for defect in aspect.defects]
    return _assessment(evidence, aspects, defects, stage="judge" if said == "reject" else None)


def _rejected(evidence: Evidence, stage: QcStage, defects: Sequence[Defect]) -> Assessment:
    """Build the assessment of a candidate that no judge needs to see: aspects without a defect are not assessed."""
    aspects: list[AspectVerdict] = []
    for aspect in ASPECTS:
        own = tuple(defect for defect in defects if defect.aspect == aspect)
        worst = max((defect.severity for defect in own), default=None)
        level = (
            None
            if worst is None
            else next(level for least, level in _FAILED_LEVELS if worst >= least)
        )
        aspects.append(AspectVerdict(aspect, level, 1.0 if own else 0.0, own))
    return _assessment(evidence, tuple(aspects), defects, stage=stage)


def _assessment(
    evidence: Evidence,
    aspects: tuple[AspectVerdict, ...],
    defects: Sequence[Defect],
    *,
    stage: QcStage | None,
) -> Assessment:
    mismatch = evidence.cells.get("mismatch")
    return Assessment(
        verdict="accept" if stage is None else "reject",
        stage=stage,
        reasons=tuple(f"{defect.kind}: {defect.detail}" for defect in defects),
        aspects=aspects,
        alignment=evidence.alignment,
        scores=dict(evidence.features),
        box=evidence.box,
        correction=evidence.correction,
        trust_map=None if mismatch is None else trust_map(mismatch),
    )
