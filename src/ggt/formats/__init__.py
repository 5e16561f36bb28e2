"""Formats: how pairs lie in files, one file each; every format is written and read by the same two calls."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from ggt.formats._meanings import PAIR_MEANINGS, Meaning
from ggt.types import Aspect, Assurance, Category, Defect, LostAt, TrustMap

Split = Literal["train", "test"]
SPLITS: tuple[Split, ...] = ("train", "test")


@dataclass(frozen=True, slots=True)
class Row:
    """What a release says of one pair besides its pixels; each field is a column of that name.

    `width` and `height` are those of the released pictures; `native_*` were measured before any resizing. A text
    that nobody stated is None. `stamp` is `not-ground-truth` or empty.
    """

    id: str
    category: Category
    instruction: str
    """What to do with an lq of the category, one fixed sentence: it tells nothing of what is in the picture."""
    severity: float
    width: int
    height: int
    native_width: int
    native_height: int
    scale: float
    native_noise_sigma: float
    native_blur_px: float
    source: str | None
    author: str | None
    licence: str | None
    url: str | None
    group: str
    restorer: str
    model: str
    version: str
    prompt_strategy: str
    prompt: str
    attempt: int
    sample: int
    cost_usd: float
    assurance: Assurance
    reviewer: str | None
    ground_truth: bool
    stamp: str
    sha256_lq: str
    sha256_gt: str
    levels: Mapping[Aspect, int | None]
    """1 (unusable) to 5 (flawless); None where the aspect was not assessed."""
    scores: Mapping[str, float]
    trust_map: TrustMap | None


@dataclass(frozen=True, slots=True)
class Lost:
    """A candidate that was turned down for the lq of a pair, cut like the pair it stands beside.

    `id` tells it from the others of its pair, `aspects` are those in which it lost against the target, `marked` what
    people gave as reasons; boxes of `defects` are in pixels of the cut pictures. `sha256` is that of `png`.
    """

    id: str
    png: bytes
    sha256: str
    stage: LostAt
    aspects: tuple[Aspect, ...]
    levels: Mapping[Aspect, int | None]
    marked: tuple[str, ...]
    defects: tuple[Defect, ...]
    restorer: str
    model: str
    version: str
    prompt_strategy: str
    prompt: str
    attempt: int
    sample: int
    ground_truth: bool


@dataclass(frozen=True, slots=True)
class Sample:
    """One pair as it is written: two PNG files and what is said of them.

    `lost` is None but for formats that need losers; then a pair comes once for each, and `row.stamp` holds for both.
    """

    row: Row
    lq_png: bytes
    gt_png: bytes
    lost: Lost | None = None

    @property
    def id(self) -> str:
        """The pair's id, and which candidate lost where one is there."""
        return self.row.id if self.lost is None else f"{self.row.id}-{self.lost.id}"


@dataclass(frozen=True, slots=True)
class Plan:
    """What a writer must know before it sees the first sample.

    `score_names` are all names that occur in the release; a shard is closed once it holds `shard_bytes` of pictures.
    """

    score_names: tuple[str, ...]
    pairs_per_row_group: int = 50
    shard_bytes: int = 400_000_000


@dataclass(frozen=True, slots=True)
class StoredPair:
    """One pair as found in files, unverified: a side that is missing is None.

    `texts` holds the columns that are plain values, as text; `where` names the file and row for messages.
    """

    id: str
    split: str
    where: str
    lq: bytes | None
    gt: bytes | None
    texts: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class Format:
    """What a file of this folder adds.

    `write(folder, split, samples, plan)` writes one split, the same bytes for the same samples, keeping at most one
    row group in memory. `holds(folder)` says whether a folder looks like this format, also one that somebody else
    made; `read(folder)` yields what is there, in a fixed order, and never raises for a damaged picture.
    """

    write: Callable[[Path, Split, Iterable[Sample], Plan], None]
    holds: Callable[[Path], bool]
    read: Callable[[Path], Iterator[StoredPair]]
    pattern: str
    """Glob of a split's files below the release, with `{split}` in it: what the card tells loaders."""
    media_type: str
    """Of the files that `pattern` matches."""
    source: str
    """The tools that read it."""
    columns: tuple[str, ...] = ("lq", "gt")
    """What `datasets` calls the pictures of a row: the lq, the target, and the loser where there is one."""
    about: str = "`lq` is a low-quality picture, `gt` a restored target that quality control accepted for it."
    """What the pictures of a row are, for the card."""
    meanings: tuple[Meaning, ...] = PAIR_MEANINGS
    """What each column says, for the card."""
    needs_losers: bool = False
    """Whether a row is a pair beside a candidate that was turned down; pairs without one are left out."""
    precedence: int = 0
    """When a folder is to be recognised, formats are asked in falling order: the choosier, the earlier."""
