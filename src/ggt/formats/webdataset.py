"""WebDataset: tar files in which `ID.lq.png`, `ID.gt.png` and `ID.json` follow each other."""

import io
import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from ggt.formats import Format, Plan, Sample, Split, StoredPair
from ggt.formats._columns import flat, flat_line, read_texts
from ggt.formats._shards import cut, number_shards
from ggt.formats._sides import side_of, split_of


def write(folder: Path, split: Split, samples: Iterable[Sample], plan: Plan) -> None:
    """Write `data/{split}-NNNNN-of-NNNNN.tar`, owner, mode and time fixed."""
    data = folder / "data"
    data.mkdir(exist_ok=True)
    paths: list[Path] = []
    for number, shard in enumerate(cut(samples, plan.shard_bytes)):
        paths.append(data / f"{split}-{number:05d}.tar")
        with tarfile.open(paths[-1], "w", format=tarfile.USTAR_FORMAT) as tar:
            for sample in shard:
                _add_sample(tar, sample)
    number_shards(paths)


def _add_sample(tar: tarfile.TarFile, sample: Sample) -> None:
    record = flat_line(flat(sample.row)).encode()
    for suffix, content in (
        ("lq.png", sample.lq_png),
        ("gt.png", sample.gt_png),
        ("json", record),
    ):
        member = tarfile.TarInfo(f"{sample.row.id}.{suffix}")
        member.size = len(content)
        member.mode = 0o644
        tar.addfile(member, io.BytesIO(content))


def holds(folder: Path) -> bool:
    """Say whether there are tar files in the folder or in its `data`."""
    return bool(_tars(folder))


def read(folder: Path) -> Iterator[StoredPair]:
    """Yield the samples of all tar files: neighbours that share the name before the first dot."""
    for path in _tars(folder):
        try:
            with tarfile.open(path) as tar:
                yield from _read_tar(tar, path.relative_to(folder).as_posix())
        except (tarfile.TarError, EOFError, OSError) as error:
            where = f"{path.relative_to(folder).as_posix()} ({error})"
            yield StoredPair("", split_of(path.name), where, None, None)


def _tars(folder: Path) -> list[Path]:
    return sorted([*folder.glob("*.tar"), *folder.glob("data/*.tar")])


def _read_tar(tar: tarfile.TarFile, name: str) -> Iterator[StoredPair]:
    key = ""
    parts: dict[str, bytes] = {}
    for member in tar:
        if not member.isfile():
            continue
        stem, _, suffix = member.name.partition(".")
        if stem != key and parts:
            yield _stored(key, name, parts)
            parts = {}
        file = tar.extractfile(member)
        assert file is not None
        key = stem
        parts[suffix] = file.read()
    if parts:
        yield _stored(key, name, parts)


def _stored(key: str, name: str, parts: dict[str, bytes]) -> StoredPair:
    sides = {side_of(suffix.partition(".")[0]): content for suffix, content in parts.items()}
    texts = read_texts(parts.get("json", b"")) or {}
    split = split_of(name.rpartition("/")[2])
    return StoredPair(
        key.rpartition("/")[2], split, f"{name}: {key}", sides.get("lq"), sides.get("gt"), texts
    )


PLUGIN = Format(
    write=write,
    holds=holds,
    read=read,
    pattern="data/{split}-*.tar",
    media_type="application/x-tar",
    source="webdataset, datasets.load_dataset(path, streaming=True), tar",
    columns=("lq.png", "gt.png"),
    precedence=1,
)
