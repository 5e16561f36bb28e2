"""Cutting a stream of samples into files of bounded size, whose names hold how many there are."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from ggt.formats import Sample


def cut(samples: Iterable[Sample], shard_bytes: int) -> Iterator[Iterator[Sample]]:
    """Yield one iterator a shard; each must be used up before the next is asked for."""
    stream = iter(samples)
    for first in stream:
        yield _shard(first, stream, shard_bytes)


def _shard(first: Sample, stream: Iterator[Sample], shard_bytes: int) -> Iterator[Sample]:
    room = shard_bytes - _size(first)
    yield first
    while room > 0:
        sample = next(stream, None)
        if sample is None:
            return
        room -= _size(sample)
        yield sample


def _size(sample: Sample) -> int:
    lost = len(sample.lost.png) if sample.lost else 0
    return len(sample.lq_png) + len(sample.gt_png) + lost


def number_shards(paths: list[Path]) -> None:
    """Rename `train-00000.tar`, ... to `train-00000-of-00003.tar`, now that their number is known."""
    for path in paths:
        path.rename(path.with_name(f"{path.stem}-of-{len(paths):05d}{path.suffix}"))
