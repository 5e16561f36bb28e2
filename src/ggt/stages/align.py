"""Align: which crop of both sides is compared, and by how much the candidate may lie off."""

import math
from dataclasses import dataclass, replace

import cv2
import numpy as np

from ggt.images import luma
from ggt.measure.alignment import Registration, register
from ggt.measure.evidence import Evidence
from ggt.settings.quality import AlignSettings
from ggt.types import Box, Defect, Image, Plane

WORKING_SIDE = 512
"""Planes are shrunk by whole factors to about this short side."""
_REASONS = {
    "letterbox": "another aspect ratio",
    "scale": "another size",
    "too_small": "too small to be judged",
}
MULTIPLE = 8
"""Sides of a crop are multiples of this, as networks and JPEG want them."""


@dataclass(frozen=True, slots=True)
class Aligned:
    """Both sides cut alike, and how the candidate lies over the lq after the cut."""

    lq: Image
    hq: Image
    box: Box
    correction: tuple[int, int]
    registration: Registration
    factor: int


def comparable(
    lq_size: tuple[int, int], hq_size: tuple[int, int], *, settings: AlignSettings
) -> str | None:
    """Say why two sizes (width, height) cannot be compared, as the nearest kind of fault; None when they can."""
    ratio = (lq_size[0] / lq_size[1]) / (hq_size[0] / hq_size[1])
    if abs(ratio - 1) > settings.aspect_tolerance:
        return "letterbox"
    if lq_size != hq_size:
        return "scale"
    if min(lq_size) < settings.min_checked_side:
        return "too_small"
    return None


def align_defects(evidence: Evidence, *, settings: AlignSettings) -> list[Defect]:
    """Return what the geometry alone rejects a candidate for; the size first, then whether it is the same picture."""
    reason = comparable(evidence.lq_size, evidence.hq_size, settings=settings)
    if reason is not None:
        detail = (
            f"{_REASONS[reason]}: lq {_size(evidence.lq_size)}, candidate {_size(evidence.hq_size)}"
        )
        return [Defect("geometry_alignment", reason, 1.0, detail)]
    features = evidence.features
    if features["matched"] < settings.min_matched:
        detail = f"only {features['matched']:.0%} of the lq's structure is found again"
        return [Defect("object_consistency", "wrong_photo", 1.0, detail)]
    found: list[Defect] = []
    if features["shift_px"] > settings.max_shift_px:
        detail = f"moved by {features['shift_px']:.1f} px (at most {settings.max_shift_px:g})"
        found.append(_geometry("shift", features["shift_px"], detail))
    if features["affine_px"] > settings.max_affine_px:
        detail = (
            f"corners moved by {features['affine_px']:.1f} px (at most {settings.max_affine_px:g})"
        )
        found.append(_geometry(_affine_kind(evidence), features["affine_px"], detail))
    if (
        evidence.correction != (0, 0)
        and min(evidence.box.width, evidence.box.height) < settings.min_side
    ):
        detail = f"the crop is {evidence.box.width}x{evidence.box.height} px (at least {settings.min_side})"
        found.append(_geometry("shift", 8.0, detail))
    return found


def _geometry(kind: str, distance: float, detail: str) -> Defect:
    return Defect("geometry_alignment", kind, round(min(1.0, 0.3 + distance / 12), 3), detail)


def _affine_kind(evidence: Evidence) -> str:
    """Name the larger of zoom and turn; neither is large when the picture is sheared or tilted."""
    found, reach = evidence.alignment, max(evidence.lq_size) / 2
    zoom = abs(found.scale - 1) * reach if found else 0.0
    turn = abs(math.radians(found.rotation_deg)) * reach if found else 0.0
    if max(zoom, turn) < evidence.features["affine_px"] / 3:
        return "perspective"
    return "scale" if zoom >= turn else "rotation"


def _size(size: tuple[int, int]) -> str:
    return f"{size[0]}x{size[1]}"


def align(lq: Image, candidate: Image, *, settings: AlignSettings, correct: bool) -> Aligned:
    """Measure the displacement of a candidate of the lq's size and, if asked, crop a whole-pixel shift away."""
    factor = max(1, round(min(lq.shape[:2]) / WORKING_SIDE))
    registration = register(
        working_luma(lq, factor), working_luma(candidate, factor), factor=factor
    )
    found = registration.alignment
    shift = (round(found.shift_x_px), round(found.shift_y_px))
    if not correct or shift == (0, 0) or max(map(abs, shift)) > settings.max_correction_px:
        box = Box(0, 0, lq.shape[1], lq.shape[0])
        return Aligned(lq, candidate, box, (0, 0), registration, factor)
    box = shared_box(lq.shape[:2], shift)
    seen, offered = (
        cut(lq, box),
        cut(candidate, replace(box, left=box.left + shift[0], top=box.top + shift[1])),
    )
    again = register(working_luma(seen, factor), working_luma(offered, factor), factor=factor)
    return Aligned(seen, offered, box, shift, again, factor)


def shared_box(shape: tuple[int, int], shift: tuple[int, int]) -> Box:
    """Find the largest crop of the lq, sides multiples of 8, whose copy moved by `shift` lies in the candidate."""
    width = (shape[1] - abs(shift[0])) // MULTIPLE * MULTIPLE
    height = (shape[0] - abs(shift[1])) // MULTIPLE * MULTIPLE
    return Box(max(0, -shift[0]), max(0, -shift[1]), width, height)


def cut(image: Image, box: Box) -> Image:
    """Cut a box out of an image."""
    return np.ascontiguousarray(
        image[box.top : box.top + box.height, box.left : box.left + box.width]
    )


def working_luma(image: Image, factor: int) -> Plane:
    """Shrink by a whole factor and take the luma."""
    size = (image.shape[1] // factor, image.shape[0] // factor)
    whole = image[: size[1] * factor, : size[0] * factor]
    return luma(cv2.resize(whole, size, interpolation=cv2.INTER_AREA))
