"""The sentences that the fixed strategies share: what to remove per category, what to put right after a rejection.

The paper's texts (Fix, Fix-NC, the corrective prompt) are unpublished: every sentence here is ours.
"""

from collections.abc import Mapping

from ggt.types import Aspect, Category, Defect

INSTRUCTIONS: Mapping[Category, str] = {
    "general": "Restore this photo: remove blur, noise and compression artefacts and recover crisp, natural detail.",
    "rain": "Remove the rain streaks, raindrops and rain mist from this photo.",
    "haze": "Remove the haze or fog from this photo and restore natural contrast and colour.",
    "snow": "Remove the falling snowflakes and snow streaks from this photo; keep snow that lies on things.",
    "lowlight": "Brighten this underexposed photo to a natural exposure and remove the noise in its dark areas.",
    "old": "Restore this old photo: repair scratches, cracks, stains and fading, and remove grain and blur.",
}

CORRECTIONS: Mapping[str, str] = {
    "shift": "Keep every object at exactly the same position; do not shift the picture.",
    "scale": "Do not zoom in or out.",
    "rotation": "Do not rotate the picture.",
    "perspective": "Do not change the viewpoint or the perspective.",
    "local_warp": "Do not bend or reshape anything; keep every contour where it is.",
    "mirror": "Do not mirror the picture.",
    "letterbox": "Do not add borders or change the framing.",
    "wrong_photo": "Return this same photo, not another scene.",
    "swapped": "Return the restored photo, not a more degraded one.",
    "hue": "Keep the hue of every object as it is in the photo.",
    "cast": "Do not add a colour cast; keep the white balance of the photo.",
    "desaturation": "Keep the colours as strong as they are; do not make them duller.",
    "object_removed": "Do not remove anything but the degradation; every object must still be there.",
    "object_added": "Do not add anything that is not in the photo.",
    "object_moved": "Do not move any object.",
    "redrawn_texture": "Do not invent texture; keep the real surface of every material.",
    "oversmoothing": "Keep fine texture such as skin, hair, foliage and fabric; do not smooth it away.",
    "ringing": "Do not oversharpen; avoid halos along edges.",
    "blocking": "Leave no blocky compression pattern.",
    "grid": "Leave no repeating grid or checker pattern.",
    "residual_degradation": "Remove the rest of the degradation as well; some of it was left last time.",
    "half_restored": "Restore the whole picture evenly, up to every border.",
    "unchanged": "The last attempt changed almost nothing: remove the degradation clearly and completely.",
}
"""By the name of the fault; a defect of another kind gets its aspect's sentence."""

ASPECT_CORRECTIONS: Mapping[Aspect, str] = {
    "restoration_quality": "Remove the degradation more completely, without new artefacts.",
    "object_consistency": "Keep every object, face and letter of the photo exactly as it is.",
    "geometry_alignment": "Keep every pixel position: same framing, same size, same shapes.",
    "content_reasonableness": "Produce no implausible or invented content.",
    "colour_consistency": "Keep the colours of the photo.",
}

MAX_CORRECTIONS = 3
GRAVE = 0.25
"""Defects of a lower severity do not cost the prompt a sentence. Ours."""


def with_corrections(text: str, defects: tuple[Defect, ...]) -> str:
    """Append one sentence for each grave defect of the attempt before, gravest first, none twice.

    When no defect is grave the gravest one still gets its sentence: a rejected attempt is never simply repeated.
    """
    gravest_first = sorted(defects, key=lambda defect: -defect.severity)
    grave = [defect for defect in gravest_first if defect.severity >= GRAVE]
    sentences = dict.fromkeys(_sentence(defect) for defect in grave or gravest_first[:1])
    return " ".join([text, *list(sentences)[:MAX_CORRECTIONS]])


def _sentence(defect: Defect) -> str:
    return CORRECTIONS.get(defect.kind, ASPECT_CORRECTIONS[defect.aspect])
