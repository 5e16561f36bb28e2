"""Assess: everything measured and judged about one (lq, candidate); the one function that all commands share."""

import cv2

from ggt.measure.evidence import Evidence
from ggt.settings.quality import QualitySettings
from ggt.stages.align import Aligned, align, comparable
from ggt.types import (
    ASPECTS,
    AspectVerdict,
    Assessment,
    Box,
    Category,
    Defect,
    Image,
    QcStage,
)


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
    del category
    sizes = (lq.shape[1], lq.shape[0]), (candidate.shape[1], candidate.shape[0])
    if comparable(*sizes, settings=quality.align) is not None:
        return Evidence(*sizes, box=Box(0, 0, *sizes[0]))
    aligned = align(lq, candidate, settings=quality.align, correct=correct)
    return Evidence(
        *sizes,
        box=aligned.box,
        correction=aligned.correction,
        alignment=aligned.registration.alignment,
        features=_features(aligned),
    )


def _features(aligned: Aligned) -> dict[str, float]:
    found = aligned.registration
    change = cv2.norm(aligned.lq, aligned.hq, cv2.NORM_L2) / aligned.lq.size**0.5
    return {
        "shift_px": found.shift_px,
        "affine_px": found.affine_px,
        "warp_px": found.warp_px,
        "matched": found.matched,
        "change_levels": float(change),
    }


def decide(evidence: Evidence, *, category: Category, quality: QualitySettings) -> Assessment:
    """Apply thresholds to evidence."""
    del category
    reason = comparable(evidence.lq_size, evidence.hq_size, settings=quality.align)
    found = (
        [Defect("geometry_alignment", "letterbox", 1.0, reason)]
        if reason
        else _defects(evidence, quality)
    )
    stage: QcStage | None = None
    if found:
        stage = "align" if any(d.aspect == "geometry_alignment" for d in found) else "judge"
    aspects = tuple(
        AspectVerdict(
            aspect,
            level=2 if any(d.aspect == aspect for d in found) else 4,
            confidence=0.5,
            defects=tuple(d for d in found if d.aspect == aspect),
        )
        for aspect in ASPECTS
    )
    return Assessment(
        verdict="reject" if found else "accept",
        stage=stage,
        reasons=tuple(f"{d.kind}: {d.detail}" for d in found),
        aspects=aspects,
        alignment=evidence.alignment,
        scores=dict(evidence.features),
        box=evidence.box,
        correction=evidence.correction,
    )


def _defects(evidence: Evidence, quality: QualitySettings) -> list[Defect]:
    bounds, f = quality.align, evidence.features
    found: list[Defect] = []
    if f["matched"] < bounds.min_matched:
        detail = f"only {f['matched']:.0%} of the structure is found again"
        return [Defect("object_consistency", "wrong_photo", 1.0, detail)]
    if f["shift_px"] > bounds.max_shift_px:
        found.append(Defect("geometry_alignment", "shift", 0.5, f"moved by {f['shift_px']:.1f} px"))
    if f["affine_px"] > bounds.max_affine_px:
        detail = f"scale, rotation or shear move corners by {f['affine_px']:.1f} px"
        found.append(Defect("geometry_alignment", "scale", 0.5, detail))
    if f["warp_px"] > bounds.max_warp_px:
        found.append(
            Defect("geometry_alignment", "local_warp", 0.5, f"bent by {f['warp_px']:.1f} px")
        )
    if f["change_levels"] < quality.min_change_levels:
        detail = f"differs from the lq by {f['change_levels']:.1f} levels"
        found.append(Defect("restoration_quality", "unchanged", 0.8, detail))
    return found
