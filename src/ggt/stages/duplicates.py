"""Duplicates, scenes and excluded sets: which photos are copies, which belong together, which must stay out.

Pure functions over what ingest measured. Of copies the first path is kept, whatever order the photos came in.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from pathlib import PurePosixPath
from typing import Literal

import numpy as np

from ggt.settings.ingest import IngestSettings
from ggt.stages.exclude import ExcludedFile, nearest
from ggt.stages.ingest import IngestResult
from ggt.types import Photo

_SAME_BRIGHTNESS = 0.04
"""Difference of mean luma beyond which a near copy is another exposure, which is no copy."""
_HASH_BITS = 64


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What tells photos apart: small, so that 100,000 of them fit in memory.

    `pixel_hash` is that of the first lq, None for photos that gave none: those group, but are no copy of anything.
    """

    path: str
    pixel_hash: str | None
    perceptual_hash: int
    mean_luma: float
    scene: str | None = None
    camera: str | None = None
    taken_at: str | None = None
    ingested: bool = False
    """An earlier run made lqs of it already: it goes before photos that came later, whatever their paths."""


@dataclass(frozen=True, slots=True)
class Twin:
    """Why a photo is set aside: `of` is the photo or file that it repeats."""

    path: str
    of: str
    reason: Literal["duplicate", "excluded"]
    detail: str


@dataclass(frozen=True, slots=True)
class Grouping:
    """`twins` sorted by path; `groups` names each remaining photo's group, which no split may divide."""

    twins: tuple[Twin, ...]
    groups: dict[str, str]


def fingerprint(photo: Photo, result: IngestResult) -> Fingerprint:
    """Take from a photo's record what tells it apart.

    Raises:
        ValueError: the photo was not read.
    """
    if result.perceptual_hash is None or result.measured is None:
        raise ValueError(f"{photo.path!r} was never measured")
    return Fingerprint(
        path=photo.path,
        pixel_hash=result.lqs[0].record.pixel_hash if result.lqs else None,
        perceptual_hash=int(result.perceptual_hash, 16),
        mean_luma=result.measured.mean_luma,
        scene=photo.scene,
        camera=result.camera,
        taken_at=result.taken_at,
    )


def find_duplicates(
    photos: Sequence[Fingerprint], settings: IngestSettings, excluded: Sequence[ExcludedFile] = ()
) -> Grouping:
    """Tell copies, excluded photos and groups; the answer does not depend on the order of `photos`."""
    ordered = sorted(photos, key=lambda photo: (not photo.ingested, photo.path))
    near = list(_near_pairs([photo.perceptual_hash for photo in ordered], bits=settings.near_bits))
    twins = _excluded(ordered, excluded, bits=settings.near_bits)
    twins |= _exact(ordered, twins)
    twins = _copies(ordered, near, twins, bits=settings.same_bits)
    links = [*near, *_scene_links(ordered, settings)]
    groups = _groups(ordered, links)
    left = {path: group for path, group in groups.items() if path not in twins}
    return Grouping(tuple(twins[path] for path in sorted(twins)), left)


def _excluded(
    ordered: Sequence[Fingerprint], excluded: Sequence[ExcludedFile], *, bits: int
) -> dict[str, Twin]:
    if not excluded:
        return {}
    twins: dict[str, Twin] = {}
    likest = nearest(excluded, (photo.perceptual_hash for photo in ordered))
    for photo, (file, distance) in zip(ordered, likest, strict=True):
        if distance <= bits:
            detail = f"looks like {file.name!r} of an excluded set ({distance} of 64 bits differ)"
            twins[photo.path] = Twin(photo.path, file.name, "excluded", detail)
    return twins


def _exact(ordered: Sequence[Fingerprint], taken: dict[str, Twin]) -> dict[str, Twin]:
    first: dict[str, str] = {}
    twins: dict[str, Twin] = {}
    for photo in ordered:
        if photo.pixel_hash is None or photo.path in taken:
            continue
        kept = first.setdefault(photo.pixel_hash, photo.path)
        if kept != photo.path:
            detail = f"the same pixels as {kept!r}"
            twins[photo.path] = Twin(photo.path, kept, "duplicate", detail)
    return twins


def _copies(
    ordered: Sequence[Fingerprint],
    near: Sequence[tuple[int, int]],
    taken: dict[str, Twin],
    *,
    bits: int,
) -> dict[str, Twin]:
    """Set aside what looks like an earlier photo that is itself kept."""
    positions = {photo.path: index for index, photo in enumerate(ordered)}
    twins = dict(taken)
    for one, other in sorted(near):
        photo, kept = ordered[other], ordered[one]
        while kept.path in twins and twins[kept.path].reason == "duplicate":
            kept = ordered[positions[twins[kept.path].of]]
        if photo.path in twins or kept.path in twins or not _is_copy(photo, kept, bits=bits):
            continue
        distance = (photo.perceptual_hash ^ kept.perceptual_hash).bit_count()
        detail = f"a copy of {kept.path!r} ({distance} of 64 bits differ)"
        twins[photo.path] = Twin(photo.path, kept.path, "duplicate", detail)
    return twins


def _is_copy(photo: Fingerprint, kept: Fingerprint, *, bits: int) -> bool:
    if photo.pixel_hash is None or kept.pixel_hash is None:
        return False
    if abs(photo.mean_luma - kept.mean_luma) > _SAME_BRIGHTNESS:
        return False
    return (photo.perceptual_hash ^ kept.perceptual_hash).bit_count() <= bits


def _scene_links(
    ordered: Sequence[Fingerprint], settings: IngestSettings
) -> Iterator[tuple[int, int]]:
    """Link photos of one stated scene; of the others, those of one camera and folder taken in one go."""
    stated: dict[str, int] = {}
    timed: list[tuple[str, str, datetime, int]] = []
    for index, photo in enumerate(ordered):
        if photo.scene is not None:
            yield stated.setdefault(photo.scene, index), index
        elif photo.camera and photo.taken_at:
            folder = str(PurePosixPath(photo.path).parent)
            timed.append((photo.camera, folder, datetime.fromisoformat(photo.taken_at), index))
    for before, after in pairwise(sorted(timed)):
        gap = (after[2] - before[2]).total_seconds()
        if before[:2] == after[:2] and gap <= settings.scene_gap_s:
            yield before[3], after[3]


def _groups(ordered: Sequence[Fingerprint], links: Iterable[tuple[int, int]]) -> dict[str, str]:
    """Join linked photos; a group is called after its first path, so it keeps its name as others join."""
    parent = list(range(len(ordered)))

    def root(index: int) -> int:
        while parent[index] != index:
            parent[index] = parent[parent[index]]
            index = parent[index]
        return index

    for one, other in links:
        low, high = sorted((root(one), root(other)))
        parent[high] = low
    return {photo.path: ordered[root(index)].path for index, photo in enumerate(ordered)}


def _near_pairs(hashes: Sequence[int], *, bits: int) -> Iterator[tuple[int, int]]:
    """Yield pairs (index, later index) so that all photos within `bits` of each other are linked.

    Equal hashes are linked to their first alone, and only one of each is compared with others. Two hashes within
    `bits` differ by at most one bit in at least one of `bits // 2 + 1` bands, so only such neighbours are compared.
    """
    values, first, inverse = np.unique(
        np.array(hashes, np.uint64), return_index=True, return_inverse=True
    )
    for index, original in enumerate(first[inverse].tolist()):
        if index != original:
            yield original, index
    seen: set[tuple[int, int]] = set()
    for one, other in _candidates(values, num_bands=bits // 2 + 1):
        close = np.bitwise_count(values[one] ^ values[other]) <= bits
        seen.update(zip(one[close].tolist(), other[close].tolist(), strict=True))
    for one, other in seen:
        low, high = sorted((int(first[one]), int(first[other])))
        yield low, high


def _candidates(values: np.ndarray, *, num_bands: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield index pairs, first below second, whose keys in one band are equal or differ by one bit."""
    edges = [round(_HASH_BITS * band / num_bands) for band in range(num_bands + 1)]
    for low, high in pairwise(edges):
        keys = (values >> np.uint64(low)) & np.uint64((1 << (high - low)) - 1)
        order = np.argsort(keys, kind="stable")
        ranked = keys[order]
        for flip in (0, *(1 << bit for bit in range(high - low))):
            wanted = keys ^ np.uint64(flip)
            start = np.searchsorted(ranked, wanted, side="left")
            count = np.searchsorted(ranked, wanted, side="right") - start
            yield from _expand(order, start, count)


def _expand(
    order: np.ndarray, start: np.ndarray, count: np.ndarray
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Turn each row's range of ranks into index pairs, a bounded number at a time."""
    ends = np.cumsum(count)
    cuts = np.searchsorted(ends, np.arange(0, ends[-1] if ends.size else 0, 200_000)).tolist()
    for low, high in pairwise([*cuts, count.size]):
        rows = np.repeat(np.arange(low, high), count[low:high])
        before = np.repeat(ends[low:high] - count[low:high], count[low:high])
        base = ends[low - 1] if low else 0
        ranks = np.arange(rows.size) + base - before + start[rows]
        others = order[ranks]
        keep = rows < others
        yield rows[keep], others[keep]
