"""Samples: one pair as a release writes it: both sides cut and encoded, and the record of where it came from."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict

from ggt.errors import GgtError
from ggt.formats import Row, Sample, Split
from ggt.images import decode_image, encode_png
from ggt.types import NOT_GROUND_TRUTH, Box, Image, Pair

STAMP_KEY = "ggt"
"""The PNG text under which a stamp lies."""
SIDE_MULTIPLE = 8

ReadBlob = Callable[[str], bytes]


def cut_pair(pair: Pair, read_blob: ReadBlob) -> tuple[Image, Image]:
    """Read both sides and cut them to the assessed box; the target is read at the corrected place.

    Raises:
        GgtError: a box that leaves the picture or whose sides are no multiples of 8: a damaged workspace.
    """
    box = pair.assessment.box
    right, down = pair.assessment.correction
    shifted = Box(box.left + right, box.top + down, box.width, box.height)
    lq = _cut(decode_image(read_blob(pair.lq_blob), name=f"lq of {pair.id}").image, box, pair.id)
    gt = decode_image(read_blob(pair.hq_blob), name=f"hq of {pair.id}").image
    return lq, _cut(gt, shifted, pair.id)


def _cut(image: Image, box: Box, identity: str) -> Image:
    height, width = image.shape[:2]
    inside = box.left >= 0 and box.top >= 0
    inside = inside and box.left + box.width <= width and box.top + box.height <= height
    if not inside or box.width % SIDE_MULTIPLE or box.height % SIDE_MULTIPLE or not box.width:
        raise GgtError(
            f"pair {identity}: the box {box} does not fit its picture of {width}x{height}, or is no "
            f"multiple of {SIDE_MULTIPLE}: build the workspace again"
        )
    return image[box.top : box.top + box.height, box.left : box.left + box.width]


def make_sample(pair: Pair, read_blob: ReadBlob) -> Sample:
    """Cut both sides, encode them with their stamp, and gather what the release says of the pair."""
    lq, gt = cut_pair(pair, read_blob)
    text = {} if pair.ground_truth else {STAMP_KEY: NOT_GROUND_TRUTH}
    lq_png, gt_png = encode_png(lq, text=text), encode_png(gt, text=text)
    return Sample(_row(pair, lq, lq_png, gt_png), lq_png, gt_png)


def _row(pair: Pair, lq: Image, lq_png: bytes, gt_png: bytes) -> Row:
    measured = pair.measurements
    return Row(
        id=pair.id,
        category=pair.category,
        severity=measured.severity,
        width=lq.shape[1],
        height=lq.shape[0],
        native_width=measured.width,
        native_height=measured.height,
        scale=pair.scale,
        native_noise_sigma=measured.noise_sigma,
        native_blur_px=measured.blur_px,
        source=pair.photo.source,
        author=pair.photo.author,
        licence=pair.photo.licence,
        url=pair.photo.url,
        group=group_code(pair.group),
        restorer=pair.restorer,
        model=pair.model,
        version=pair.version,
        prompt_strategy=pair.prompt.strategy,
        prompt=pair.prompt.text,
        attempt=pair.attempt,
        sample=pair.sample,
        cost_usd=pair.cost_usd,
        assurance=pair.assurance,
        reviewer=pseudonym(pair.reviewer) if pair.reviewer else None,
        ground_truth=pair.ground_truth,
        stamp="" if pair.ground_truth else NOT_GROUND_TRUTH,
        sha256_lq=hashlib.sha256(lq_png).hexdigest(),
        sha256_gt=hashlib.sha256(gt_png).hexdigest(),
        levels={aspect.aspect: aspect.level for aspect in pair.assessment.aspects},
        scores=pair.assessment.scores,
        trust_map=pair.assessment.trust_map,
    )


def pseudonym(reviewer: str) -> str:
    """Return 12 hex digits for a name: the same person is recognised, not named."""
    return hashlib.sha256(f"reviewer {reviewer}".encode()).hexdigest()[:12]


def group_code(group: str) -> str:
    """Return 12 hex digits for a scene: its name may be a path of the collector's disk."""
    return hashlib.sha256(f"group {group}".encode("utf-8", "surrogatepass")).hexdigest()[:12]


def provenance_line(pair: Pair, split: Split, row: Row) -> str:
    """Write what no column holds: the photo, the stored files, the crop and what was found."""
    assessment = pair.assessment
    value = {
        "id": pair.id,
        "split": split,
        "stamp": row.stamp,
        "photo": {
            name: text
            for name, text in asdict(pair.photo).items()
            if name not in ("truth", "category")
        },
        "lq_blob": pair.lq_blob,
        "hq_blob": pair.hq_blob,
        "sha256_lq": row.sha256_lq,
        "sha256_gt": row.sha256_gt,
        "box": asdict(assessment.box),
        "correction": list(assessment.correction),
        "alignment": asdict(assessment.alignment) if assessment.alignment else None,
        "defects": [asdict(defect) for defect in assessment.defects],
        "restorer": pair.restorer,
        "model": pair.model,
        "version": pair.version,
        "prompt": {"strategy": pair.prompt.strategy, "text": pair.prompt.text},
        "attempt": pair.attempt,
        "sample": pair.sample,
        "assurance": pair.assurance,
        "reviewer": row.reviewer,
    }
    # ASCII escapes also carry names that are no valid UTF-8, as file systems allow.
    return json.dumps(value, sort_keys=True)
