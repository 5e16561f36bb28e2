"""The few things that ggt asks of PyArrow, which has no types, behind types."""

import importlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol, cast

from ggt.formats._columns import ColumnKind
from ggt.types import ASPECTS

ArrowType = object
Cell = object


class _Schema(Protocol):
    names: list[str]

    def with_metadata(self, metadata: Mapping[str, str]) -> "_Schema": ...


class _Table(Protocol):
    def to_pylist(self) -> list[dict[str, Cell]]: ...


class _TableType(Protocol):
    def from_pylist(self, rows: Sequence[Mapping[str, Cell]], schema: _Schema) -> _Table: ...


class _Arrow(Protocol):
    Table: _TableType

    def string(self) -> ArrowType: ...
    def binary(self) -> ArrowType: ...
    def int32(self) -> ArrowType: ...
    def float64(self) -> ArrowType: ...
    def float32(self) -> ArrowType: ...
    def bool_(self) -> ArrowType: ...
    def list_(self, value: ArrowType) -> ArrowType: ...
    def struct(self, fields: Sequence[tuple[str, ArrowType]]) -> ArrowType: ...
    def schema(self, fields: Sequence[tuple[str, ArrowType]]) -> _Schema: ...


class ParquetWriter(Protocol):
    """An open Parquet file."""

    def write_table(self, table: _Table) -> None:
        """Append rows as one row group."""
        ...

    def close(self) -> None:
        """Write the footer, without which nothing can be read."""
        ...


class _ParquetFile(Protocol):
    schema_arrow: _Schema

    def iter_batches(self, batch_size: int) -> Iterator[_Table]: ...
    def close(self) -> None: ...


class _Parquet(Protocol):
    def ParquetWriter(  # noqa: N802 - PyArrow's name
        self,
        where: str,
        schema: _Schema,
        *,
        compression: str,
        use_dictionary: list[str],
        write_statistics: list[str],
    ) -> ParquetWriter: ...
    def ParquetFile(self, source: str) -> _ParquetFile: ...  # noqa: N802 - PyArrow's name


def _arrow() -> _Arrow:
    return cast(_Arrow, importlib.import_module("pyarrow"))


def _parquet() -> _Parquet:
    return cast(_Parquet, importlib.import_module("pyarrow.parquet"))


def make_schema(
    pictures: Sequence[str],
    columns: Mapping[str, ColumnKind],
    *,
    score_names: Sequence[str],
    metadata: Mapping[str, str],
) -> _Schema:
    """Build the schema of a release: the pictures, then the other columns of a row."""
    arrow = _arrow()
    picture = arrow.struct([("bytes", arrow.binary()), ("path", arrow.string())])
    types: dict[ColumnKind, ArrowType] = {
        "text": arrow.string(),
        "texts": arrow.list_(arrow.string()),
        "int": arrow.int32(),
        "float": arrow.float64(),
        "bool": arrow.bool_(),
        "levels": arrow.struct([(aspect, arrow.int32()) for aspect in ASPECTS]),
        "scores": arrow.struct([(name, arrow.float64()) for name in score_names]),
        "trust": arrow.list_(arrow.list_(arrow.float32())),
    }
    fields = [(name, picture) for name in pictures]
    fields += [(name, types[kind]) for name, kind in columns.items()]
    return arrow.schema(fields).with_metadata(metadata)


def open_writer(path: Path, schema: _Schema, *, plain: list[str]) -> ParquetWriter:
    """Open a file for writing; `plain` are the columns worth a dictionary and statistics: no pictures."""
    return _parquet().ParquetWriter(
        str(path), schema, compression="zstd", use_dictionary=plain, write_statistics=plain
    )


def make_table(rows: Sequence[Mapping[str, Cell]], schema: _Schema) -> _Table:
    """Gather rows in memory."""
    return _arrow().Table.from_pylist(rows, schema)


def column_names(path: Path) -> list[str]:
    """List the columns of a Parquet file; raises OSError or ValueError when damaged."""
    file = _parquet().ParquetFile(str(path))
    try:
        return list(file.schema_arrow.names)
    finally:
        file.close()


def read_rows(path: Path, *, batch_size: int) -> Iterator[dict[str, Cell]]:
    """Yield the rows of a Parquet file, a few at a time in memory; raises OSError or ValueError when damaged."""
    file = _parquet().ParquetFile(str(path))
    try:
        for batch in file.iter_batches(batch_size):
            yield from batch.to_pylist()
    finally:
        file.close()
