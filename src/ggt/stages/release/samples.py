"""Samples: one pair as a release writes it: sides cut and encoded, and the record of where it came from."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, replace

from ggt.errors import GgtError
from ggt.formats import Row, Sample, Split
from ggt.images import decode_image, encode_png
from ggt.prompts._wording import INSTRUCTIONS
from ggt.stages.disagreement import disagreement, lowered
from ggt.types import NOT_GROUND_TRUTH, STAMP_KEY, Box, Category, Image, Pair, Rival, TrustMap

SIDE_MULTIPLE = 8

ReadBlob = Callable[[str], bytes]


def cut_pair(pair: Pair, read_blob: ReadBlob) -> tuple[Image, Image]:
    """Read both sides and cut them to the assessed box; the target is read at the corrected place.

    Raises:
        GgtError: a box that leaves the picture or whose sides are no multiples of 8: a damaged workspace.
    """
    box = pair.assessment.box
    lq = cut(decode_image(read_blob(pair.lq_blob), name=f"lq of {pair.id}").image, box, pair.id)
    gt = decode_image(read_blob(pair.hq_blob), name=f"hq of {pair.id}").image
    return lq, cut(gt, moved(box, pair.assessment.correction), pair.id)


def moved(box: Box, correction: tuple[int, int]) -> Box:
    """Return where a candidate shows what the lq shows in a box."""
    right, down = correction
    return replace(box, left=box.left + right, top=box.top + down)


def cut(image: Image, box: Box, identity: str) -> Image:
    """Cut a box out of a picture of a pair; raises GgtError as `cut_pair` does."""
    height, width = image.shape[:2]
    inside = box.left >= 0 and box.top >= 0
    inside = inside and box.left + box.width <= width and box.top + box.height <= height
    if not inside or box.width % SIDE_MULTIPLE or box.height % SIDE_MULTIPLE or not box.width:
        raise GgtError(
            f"pair {identity}: the box {box} does not fit its picture of {width}x{height}, or is no "
            f"multiple of {SIDE_MULTIPLE}: build the workspace again"
        )
    return image[box.top : box.top + box.height, box.left : box.left + box.width]


def trust_of(pair: Pair, gt: Image, read_blob: ReadBlob) -> TrustMap | None:
    """Say where the target may be believed: as far as it was measured, and less where its rivals disagree.

    `gt` is the target as `cut_pair` returns it; rivals are read one at a time.
    """
    trust = pair.assessment.trust_map
    if trust is None or not pair.rivals:
        return trust
    box = pair.assessment.box
    shown = [_beside(gt, rival, box=box, read_blob=read_blob) for rival in pair.rivals]
    return lowered(trust, disagreement(gt, shown))


def _beside(gt: Image, rival: Rival, *, box: Box, read_blob: ReadBlob) -> Image:
    """Cut a rival like the target; what it does not show is the target's own."""
    image = decode_image(read_blob(rival.blob), name="rival").image
    common = overlap(box, rival.box)
    shown = gt.copy()
    if common is None:
        return shown
    source = moved(common, rival.correction)
    left, top = common.left - box.left, common.top - box.top
    shown[top : top + common.height, left : left + common.width] = image[
        source.top : source.top + source.height, source.left : source.left + source.width
    ]
    return shown


def overlap(one: Box, other: Box) -> Box | None:
    """Return what two boxes have in common, None when that is nothing."""
    left, top = max(one.left, other.left), max(one.top, other.top)
    right = min(one.left + one.width, other.left + other.width)
    bottom = min(one.top + one.height, other.top + other.height)
    return Box(left, top, right - left, bottom - top) if right > left and bottom > top else None


def instruction_for(category: Category) -> str:
    """Return the sentence that asks for the restoration of any lq of a category, without naming what it shows."""
    return INSTRUCTIONS[category]


def make_sample(pair: Pair, read_blob: ReadBlob) -> Sample:
    """Cut both sides, encode them with their stamp, and gather what the release says of the pair."""
    lq, gt = cut_pair(pair, read_blob)
    text = {} if pair.ground_truth else {STAMP_KEY: NOT_GROUND_TRUTH}
    lq_png, gt_png = encode_png(lq, text=text), encode_png(gt, text=text)
    row = replace(make_row(pair, lq_png, gt_png), trust_map=trust_of(pair, gt, read_blob))
    return Sample(row, lq_png, gt_png)


def make_row(pair: Pair, lq_png: bytes, gt_png: bytes) -> Row:
    """Gather what a release says of a pair, cut to its box."""
    measured = pair.measurements
    box = pair.assessment.box
    return Row(
        id=pair.id,
        category=pair.category,
        instruction=instruction_for(pair.category),
        severity=measured.severity,
        width=box.width,
        height=box.height,
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


def provenance_line(pair: Pair, split: Split, sample: Sample) -> str:
    """Write what no column holds: the photo, the stored files, the crop and what was found."""
    assessment, row = pair.assessment, sample.row
    value = {
        "id": sample.id,
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
        "judged_by": asdict(assessment.judged_by) if assessment.judged_by else None,
        "reviewer": row.reviewer,
    }
    if sample.lost is not None:
        value["rejected"] = {
            name: text for name, text in asdict(sample.lost).items() if name != "png"
        }
    # ASCII escapes also carry names that are no valid UTF-8, as file systems allow.
    return json.dumps(value, sort_keys=True)
