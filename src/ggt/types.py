"""What flows between stages: images, photos, prompts, evidence, verdicts.

An image between stages is what a file holds: uint8, RGB, sRGB. Boxes and distances are in pixels of the lq.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol, get_args

import numpy as np
from jaxtyping import Bool, Float32, UInt8

Image = UInt8[np.ndarray, "height width 3"]
"""sRGB, 0 to 255."""
FloatImage = Float32[np.ndarray, "height width 3"]
"""sRGB, 0 to 1."""
Plane = Float32[np.ndarray, "height width"]
"""One channel; the range is said where it is made."""
Mask = Bool[np.ndarray, "height width"]

Category = Literal["general", "rain", "haze", "snow", "lowlight", "old"]
CATEGORIES: tuple[Category, ...] = get_args(Category)

Aspect = Literal[
    "restoration_quality",
    "object_consistency",
    "geometry_alignment",
    "content_reasonableness",
    "colour_consistency",
]
ASPECTS: tuple[Aspect, ...] = get_args(Aspect)

Verdict = Literal["accept", "reject", "unjudged"]
QcStage = Literal["align", "screen", "judge"]
Assurance = Literal["measured", "judged", "reviewed", "audited"]
ASSURANCES: tuple[Assurance, ...] = get_args(Assurance)
"""From the weakest to the strongest."""

TRUST_CELLS = 16
"""A trust map has this many cells along each side."""

NOT_GROUND_TRUTH = "not-ground-truth"
"""The stamp on everything that the classical engine or the simulator made."""
STAMP_KEY = "ggt"
"""The PNG text under which a stamp lies."""
SIMULATED = "simulated-"
"""How the version of every answer of the simulated provider begins."""


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in pixels; `left` and `top` count from the upper left corner."""

    left: int
    top: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Photo:
    """A picture as collected; fields that nobody stated are None.

    `path` is relative to the collected folder; `truth` is the absolute path of a clean photo of which this one
    is a known degradation (rehearsals and captured pairs only).
    """

    path: str
    source: str | None = None
    author: str | None = None
    licence: str | None = None
    url: str | None = None
    scene: str | None = None
    category: Category | None = None
    truth: str | None = None


@dataclass(frozen=True, slots=True)
class Defect:
    """One fault that somebody or something saw in a candidate.

    `kind` is a name from the folder `faults/` where one fits; `severity` is 0 (just noticed) to 1 (gross);
    `box` is None when the whole picture is concerned; `detail` is a sentence with the measured value.
    """

    aspect: Aspect
    kind: str
    severity: float
    detail: str
    box: Box | None = None


@dataclass(frozen=True, slots=True)
class AspectVerdict:
    """What a judge says of one aspect.

    `level` is 1 (unusable) to 5 (flawless), 3 the first that passes; None means not assessed. `confidence` is 0 to 1.
    """

    aspect: Aspect
    level: int | None
    confidence: float
    defects: tuple[Defect, ...] = ()


@dataclass(frozen=True, slots=True)
class Alignment:
    """How the candidate lies over the lq: what maps lq coordinates onto the candidate.

    `shift_*` in pixels at the centre, `scale` as a factor (1 = same), `rotation_deg` counter-clockwise,
    `local_px` the
    95th percentile of what remains after the affine part, `support` the share of the picture with enough
    structure to measure, 0 to 1.
    """

    shift_x_px: float
    shift_y_px: float
    scale: float
    rotation_deg: float
    local_px: float
    support: float


TrustMap = tuple[tuple[float, ...], ...]
"""TRUST_CELLS rows of TRUST_CELLS values, 0 (do not believe the target here) to 1."""


@dataclass(frozen=True, slots=True)
class JudgedBy:
    """Which vlm judged, and how surely; a change of any of these is another judge.

    `judge` names the file in judges/, `versions` are the models that said they answered, `prompt_version` the sha256 of
    texts, schema and preprocessing. `flip_rate` is the share of votes against their aspect's majority, 0 to 1.
    """

    judge: str
    model: str
    versions: tuple[str, ...]
    prompt_version: str
    num_votes: int
    num_unreadable: int
    flip_rate: float


@dataclass(frozen=True, slots=True)
class Assessment:
    """Everything measured and judged about one (lq, candidate).

    `stage` is the stage that rejected, None when accepted; `box` is the crop, the same for both sides, on which all
    that follows holds; `correction` is the whole-pixel offset of the candidate that the crop undoes.
    """

    verdict: Verdict
    stage: QcStage | None
    reasons: tuple[str, ...]
    aspects: tuple[AspectVerdict, ...]
    alignment: Alignment | None
    scores: Mapping[str, float]
    box: Box
    correction: tuple[int, int] = (0, 0)
    trust_map: TrustMap | None = None
    judged_by: JudgedBy | None = None
    """None when image measurements alone judged."""

    @property
    def defects(self) -> tuple[Defect, ...]:
        """All defects of all aspects, gravest first."""
        found = [defect for aspect in self.aspects for defect in aspect.defects]
        return tuple(sorted(found, key=lambda defect: -defect.severity))


@dataclass(frozen=True, slots=True)
class Prompt:
    """What a restorer is told: a text for those that read, the earlier attempt's defects for those that do not."""

    strategy: str
    text: str
    defects: tuple[Defect, ...] = ()


@dataclass(frozen=True, slots=True)
class Measurements:
    """What was measured of a picture at its native resolution, before any resizing.

    Every value is a plain number so that it can be stored, compared and plotted; `severity` is 0 to 1
    within its category.
    """

    width: int
    height: int
    noise_sigma: float
    """Standard deviation of the luma noise, in 8-bit levels."""
    blur_px: float
    """Width of the sharpest edges, as the sigma of a Gaussian, in pixels."""
    blockiness: float
    """JPEG grid strength: 0 none, above 1 clearly visible."""
    mean_luma: float
    """0 to 1."""
    dark_channel: float
    """Mean of the dark channel, 0 to 1: high in haze."""
    contrast: float
    """5th to 95th percentile of luma, 0 to 1."""
    saturation: float
    """Mean HSV saturation, 0 to 1."""
    severity: float = 0.0


@dataclass(frozen=True, slots=True)
class LqRecord:
    """One lq as every later stage reads it; blobs are sha256 of stored PNG files.

    `native_blob` is the same field of view at native resolution, None where ingest did not keep it; `truth_blob` the
    known clean picture on the lq's grid, rehearsals and captured pairs only. `measurements` are the photo's, native.
    """

    pixel_hash: str
    blob: str
    native_blob: str | None
    truth_blob: str | None
    scale: float
    """Side of the lq divided by the side of the native crop: above 1 the photo was enlarged."""
    category: Category
    measurements: Measurements


class PlantFault(Protocol):
    """Spoils a faithful target by one fault of the folder `faults/`; picklable."""

    def __call__(
        self, name: str, *, lq: Image, hq: Image, other: Image, strength: float, seed: int
    ) -> Image:
        """Return the spoiled target, the size of `hq`."""
        ...


@dataclass(frozen=True, slots=True)
class RestoreTask:
    """One attempt's question to a restorer.

    `lq` is what training will see; `native` is the same field of view at native resolution; `truth` is the
    known clean
    picture of a rehearsal, on the same grid as `lq`, and None for every real photo.
    """

    lq: Image
    category: Category
    measurements: Measurements
    prompt: Prompt
    seed: int
    native: Image | None = None
    truth: Image | None = None
    other: Image | None = None
    """Another photo's lq, for rehearsals of a mix-up; None elsewhere."""
    plant: PlantFault | None = None
    """Plants a named fault, handed in by the stage because kinds never import each other; rehearsals only."""


@dataclass(frozen=True, slots=True)
class Rival:
    """Another lane's candidate for the lq of a pair that passed as well; fields as in `Pair` and `Assessment`."""

    blob: str
    box: Box
    correction: tuple[int, int]
    restorer: str
    attempt: int


LostAt = Literal["align", "screen", "judge", "person"]
"""Who turned a candidate down: a stage of quality control, or a person."""


@dataclass(frozen=True, slots=True)
class Loser:
    """A candidate for the lq of a pair that quality control or a person turned down; fields as in `Pair`.

    `alike` is False where its size or its frame is another than the lq's, so that no crop shows the same of both.
    """

    blob: str
    box: Box
    correction: tuple[int, int]
    alike: bool
    aspects: tuple[AspectVerdict, ...]
    stage: LostAt
    marked: tuple[str, ...]
    """What people gave as reasons: names of aspects or faults."""
    restorer: str
    model: str
    version: str
    prompt: Prompt
    attempt: int
    sample: int
    ground_truth: bool


@dataclass(frozen=True, slots=True)
class Pair:
    """An (lq, hq) that a build accepted, with all that a release says of it.

    `id` is stable as the dataset grows: the first 16 hex digits of the lq's pixel hash. `lq_blob` and
    `hq_blob` are the
    sha256 of stored PNG files, both before cropping to `assessment.box`. `group` is shared by photos of
    one scene and by near
    duplicates: a group never lies on both sides of a split.
    """

    id: str
    photo: Photo
    category: Category
    measurements: Measurements
    scale: float
    """Side of the lq divided by the side of the native crop: above 1 the photo was enlarged."""
    lq_blob: str
    hq_blob: str
    truth_blob: str | None
    assessment: Assessment
    assurance: Assurance
    group: str
    restorer: str
    model: str
    version: str
    """What the provider said answered; equals `model` for local restorers."""
    prompt: Prompt
    attempt: int
    sample: int
    cost_usd: float
    ground_truth: bool
    """False for what the classical engine or the simulator made."""
    reviewer: str | None = None
    rivals: tuple[Rival, ...] = ()
    """Of other lanes: where they disagree with the target, it is believed less."""
    losers: tuple[Loser, ...] = ()
    """Of all lanes, in the order in which they were made: what the target is better than."""


FateStage = Literal[
    "failed", "set_aside", "align", "screen", "judge", "refused", "waiting", "review", "pair"
]
"""Where a collected photo can stand; `waiting` is not tried yet, or in doubt."""


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of one lq, or of a photo that gave none; the funnel is counts of these.

    `reason` is one word or code; category and severity are None when the photo was never measured.
    """

    stage: FateStage
    reason: str
    category: Category | None = None
    severity: float | None = None


@dataclass(frozen=True, slots=True)
class Rejected:
    """A candidate that quality control or a person turned down: material for audits and the failure gallery.

    `id` is that of the pair it would have been; both blobs are sha256 of stored PNG files, before any crop.
    """

    id: str
    photo: Photo
    category: Category
    lq_blob: str
    candidate_blob: str
    restorer: str
    attempt: int
    assessment: Assessment
    ground_truth: bool
    notes: Mapping[str, str | float]
