"""The true targets of a rehearsal: lqs derived as `ggt build` derives them, found again by their pixels."""

import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ggt import plugins
from ggt.errors import UsageError
from ggt.images import decode_image
from ggt.settings.ingest import IngestSettings
from ggt.sources import Source
from ggt.stages.ingest import ingest_photo
from ggt.stages.probes import make_canaries
from ggt.store.blobs import read_blob
from ggt.types import Image, LqRecord


@dataclass(frozen=True, slots=True)
class Truths:
    """Records of lqs by pixel hash, and the folder of their blobs."""

    records: Mapping[str, LqRecord]
    blobs: Path

    def truth(self, pixel_hash: str) -> Image:
        """Read the clean picture on an lq's grid."""
        blob = self.records[pixel_hash].truth_blob
        assert blob is not None
        return self._read(blob)

    def other(self, pixel_hash: str) -> Image:
        """Read another photo's lq, always the same one: the next by pixel hash."""
        hashes = sorted(self.records)
        following = hashes[(hashes.index(pixel_hash) + 1) % len(hashes)]
        return self._read(self.records[following].blob)

    def _read(self, blob: str) -> Image:
        return decode_image(read_blob(self.blobs, blob)).image


def find_truths(folder: Path, settings: IngestSettings, *, blobs: Path) -> Truths:
    """Derive every lq of a folder that `ggt degrade` made; the blobs are written below `blobs`.

    Clean-looking photos are kept whatever the recipe says: a build may have been told to keep them. The canaries that a
    build asks about in between are known too.

    Raises:
        UsageError: no such folder, or none of its photos names a truth.
    """
    photos = plugins.load("sources", "folder", Source).find(folder)
    known = [photo for photo in photos if photo.truth is not None]
    kept = settings.model_copy(update={"set_aside_clean": False, "bar_unknown_licence": False})
    derive = partial(ingest_photo, str(folder), settings=kept, blob_dir=blobs)
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        results = list(threads.map(derive, known))
    records = {lq.record.pixel_hash: lq.record for result in results for lq in result.lqs}
    if not records:
        raise UsageError(
            f"no photo of {str(folder)!r} has a truth that can be used: name a folder that `ggt degrade` made"
        )
    canaries = {canary.lq.pixel_hash: canary.lq for canary in make_canaries(settings.side, blobs)}
    return Truths(records | canaries, blobs)
