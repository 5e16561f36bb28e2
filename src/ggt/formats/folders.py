"""Paired folders: `{split}/lq/ID.png` beside `{split}/gt/ID.png`, with the lists that loaders look for."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from ggt.formats import Format, Plan, Sample, Split, StoredPair
from ggt.formats._columns import flat, flat_line, read_texts
from ggt.formats._sides import side_of, split_of

PICTURES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff"})


def write(folder: Path, split: Split, samples: Iterable[Sample], _plan: Plan) -> None:
    """Write both folders, `metadata.jsonl` for `datasets` and `meta_info_{split}.txt` as BasicSR reads it."""
    for side in ("lq", "gt"):
        (folder / split / side).mkdir(parents=True, exist_ok=True)
    metadata = folder / split / "metadata.jsonl"
    meta_info = folder / f"meta_info_{split}.txt"
    with (
        metadata.open("w", encoding="utf-8", newline="\n") as rows,
        meta_info.open("w", encoding="utf-8", newline="\n") as sizes,
    ):
        for sample in samples:
            name = f"{sample.row.id}.png"
            (folder / split / "lq" / name).write_bytes(sample.lq_png)
            (folder / split / "gt" / name).write_bytes(sample.gt_png)
            files = {"lq_file_name": f"lq/{name}", "gt_file_name": f"gt/{name}"}
            rows.write(flat_line(files | flat(sample.row)) + "\n")
            sizes.write(f"{name} ({sample.row.height},{sample.row.width},3)\n")


def holds(folder: Path) -> bool:
    """Say whether a folder for each side, or a list of pairs, lies at most two levels below."""
    return bool(_lists(folder) or _paired_folders(folder))


def read(folder: Path) -> Iterator[StoredPair]:
    """Yield the pairs that the lists name, then those of folders without a list, by the files' names."""
    listed = _lists(folder)
    for path in listed:
        yield from _read_list(folder, path)
    for parent in _paired_folders(folder):
        if parent / "metadata.jsonl" not in listed:
            yield from _read_names(folder, parent)


def _lists(folder: Path) -> list[Path]:
    return sorted(
        path
        for pattern in ("metadata.jsonl", "*/metadata.jsonl", "*/*/metadata.jsonl")
        for path in folder.glob(pattern)
    )


def _paired_folders(folder: Path) -> list[Path]:
    """List the folders with a folder for each side."""
    candidates = [folder, *sorted(p for p in folder.glob("*") if p.is_dir())]
    candidates += sorted(p for p in folder.glob("*/*") if p.is_dir())
    return [parent for parent in candidates if set(_sides(parent)) == {"lq", "gt"}]


def _sides(parent: Path) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for child in sorted(parent.iterdir()):
        side = side_of(child.name)
        if side and child.is_dir():
            found.setdefault(side, child)
    return found


def _read_list(folder: Path, path: Path) -> Iterator[StoredPair]:
    split = _split_below(folder, path.parent)
    for number, line in enumerate(path.read_bytes().split(b"\n"), start=1):
        if not line.strip():
            continue
        where = f"{path.relative_to(folder).as_posix()} line {number}"
        texts = read_texts(line)
        if texts is None:
            yield StoredPair("", split, f"{where} (no JSON object)", None, None)
            continue
        files = {
            side_of(key.removesuffix("_file_name")): name
            for key, name in texts.items()
            if key.endswith("_file_name")
        }
        lq, gt = (_read_below(path.parent, files.get(side)) for side in ("lq", "gt"))
        identity = texts.get("id", Path(files.get("lq", "")).stem)
        yield StoredPair(identity, split, where, lq, gt, texts)


def _read_below(parent: Path, name: str | None) -> bytes | None:
    """Read a file that a list names, if it lies where lists may point: below the list."""
    if not name:
        return None
    path = (parent / name).resolve()
    if not path.is_relative_to(parent.resolve()) or not path.is_file():
        return None
    return path.read_bytes()


def _read_names(folder: Path, parent: Path) -> Iterator[StoredPair]:
    files = {side: _pictures(path) for side, path in _sides(parent).items()}
    split = _split_below(folder, parent)
    for stem in sorted(set(files["lq"]) | set(files["gt"])):
        lq, gt = (
            files[side][stem].read_bytes() if stem in files[side] else None for side in ("lq", "gt")
        )
        where = (parent / stem).relative_to(folder).as_posix()
        yield StoredPair(stem, split, where, lq, gt)


def _pictures(side: Path) -> dict[str, Path]:
    return {
        path.relative_to(side).with_suffix("").as_posix(): path
        for path in sorted(side.rglob("*"))
        if path.suffix.lower() in PICTURES and path.is_file()
    }


def _split_below(folder: Path, parent: Path) -> str:
    parts = parent.relative_to(folder).parts
    return split_of(parts[0]) if parts else "train"


PLUGIN = Format(
    write=write,
    holds=holds,
    read=read,
    pattern="{split}/**",
    media_type="image/png",
    source="BasicSR and its kin, datasets.load_dataset(path, streaming=True), any file manager",
)
