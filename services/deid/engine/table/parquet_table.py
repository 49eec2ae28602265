"""A Parquet file as a frame, and a new file from a frame: nothing of the old one's pages and metadata comes along."""

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.deid.engine.table.rows import MAX_COLUMNS
from services.deid.engine.table.table import ROW, Table
from services.deid.engine.table.withhold import Withheld

if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa
    import pyarrow.parquet as pq

MAX_DECODED = 1024**3
"""Bytes that a file may become in memory. Parquet repeats a value for next to nothing: a small file can be a huge
table.
"""
MAX_CELLS = 64_000_000
_KEPT_CODECS = {
    "SNAPPY": "snappy",
    "GZIP": "gzip",
    "ZSTD": "zstd",
    "BROTLI": "brotli",
    "LZ4": "lz4",
    "UNCOMPRESSED": "none",
}


@dataclass
class ParquetTable:
    """What was read, and how it was written."""

    table: Table
    codec: str
    rows_per_group: int


def read_parquet(content: bytes) -> ParquetTable:
    """Read a Parquet file.

    Raises Withheld: `parquet-unreadable`, `parquet-column-type`, `table-too-large`, `table-too-wide`.
    """
    import polars as pl
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(pa.BufferReader(content))
        texts = _measured(file)
        # Texts stay numbered by the file's own dictionaries until it is known how much they are written out.
        file = pq.ParquetFile(pa.BufferReader(content), read_dictionary=texts)
        read = file.read()
    except (pa.ArrowException, OSError, ValueError, KeyError) as error:
        raise Withheld("parquet-unreadable") from error
    if _decoded(read) > MAX_DECODED:
        raise Withheld("table-too-large")
    columns = [_column(column) for column in read.columns]
    frame = pl.DataFrame([column.alias(f"c{n}") for n, column in enumerate(columns)])
    metadata = file.metadata
    codec = metadata.row_group(0).column(0).compression if metadata.num_row_groups and columns else "SNAPPY"
    groups = max((metadata.row_group(n).num_rows for n in range(metadata.num_row_groups)), default=0)
    return ParquetTable(Table.of(frame, list(read.column_names)), _KEPT_CODECS.get(codec, "snappy"), max(groups, 1024))


def _measured(file: "pq.ParquetFile") -> list[str]:
    """Hold what the footer says against the limits, and return the paths of the columns of bytes and texts."""
    metadata = file.metadata
    leaves = metadata.num_columns
    if leaves > MAX_COLUMNS:
        raise Withheld("table-too-wide")
    size = sum(metadata.row_group(n).total_byte_size for n in range(metadata.num_row_groups))
    if metadata.num_rows * leaves > MAX_CELLS or size > MAX_DECODED:
        raise Withheld("table-too-large")
    schema = metadata.schema
    return [schema.column(n).path for n in range(leaves) if schema.column(n).physical_type == "BYTE_ARRAY"]


def _decoded(table: "pa.Table") -> int:
    """Bytes of a table with every text written out."""
    return sum(_written_out(chunk) for column in table.columns for chunk in column.chunks)


def _written_out(array: "pa.Array") -> int:
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = array.type
    if pa.types.is_dictionary(kind):
        if not _is_bytes(array.dictionary.type):
            return array.nbytes
        lengths = pc.call_function("binary_length", [array.dictionary]).take(array.indices)
        return (pc.call_function("sum", [lengths.cast(pa.int64())]).as_py() or 0) + 16 * len(array)
    if pa.types.is_struct(kind):
        return sum(_written_out(array.field(n)) for n in range(kind.num_fields))
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_map(kind):
        return _written_out(array.values if not pa.types.is_map(kind) else array.items) + 8 * len(array)
    return array.nbytes


def _is_bytes(kind: "pa.DataType") -> bool:
    import pyarrow as pa

    return any(
        test(kind)
        for test in (pa.types.is_string, pa.types.is_large_string, pa.types.is_binary, pa.types.is_large_binary)
    )


def _column(column: "pa.ChunkedArray") -> "pl.Series":
    """A column as polars has it: texts written out; bytes that are text become it."""
    import polars as pl
    import pyarrow as pa

    if pa.types.is_decimal256(column.type):
        raise Withheld("parquet-column-type")
    try:
        series = pl.Series(pl.from_arrow(column.cast(_plain(column.type))))
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, pa.ArrowException, ValueError):
        raise Withheld("parquet-column-type") from None
    if series.dtype == pl.Binary:
        try:
            return series.cast(pl.String)
        except pl.exceptions.PolarsError:
            return series  # withheld later, unless the recipe drops it
    return series


def _plain(kind: "pa.DataType") -> "pa.DataType":
    """A type without dictionaries in it."""
    import pyarrow as pa

    if pa.types.is_dictionary(kind):
        return _plain(kind.value_type)
    if pa.types.is_struct(kind):
        return pa.struct([pa.field(kind.field(n).name, _plain(kind.field(n).type)) for n in range(kind.num_fields)])
    if pa.types.is_map(kind):
        return pa.map_(_plain(kind.key_type), _plain(kind.item_type))
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return pa.large_list(_plain(kind.value_type))
    return kind


def write_parquet(source: ParquetTable, table: Table, names: dict[str, str]) -> bytes:
    """Write the columns that are left to a new file, under the names given for their keys."""
    import polars as pl
    import pyarrow.parquet as pq

    frame = table.frame.drop(ROW, strict=False).rename(_apart(names, table.keys))
    buffer = io.BytesIO()
    pq.write_table(
        frame.to_arrow(compat_level=pl.CompatLevel.oldest()).replace_schema_metadata(None),
        buffer,
        compression=source.codec,
        row_group_size=source.rows_per_group,
        # What Parquet's types lack is kept in metadata of its own, which holds names and types only.
        store_schema=any(
            dtype == pl.Duration or (isinstance(dtype, pl.Datetime) and dtype.time_zone) for dtype in frame.dtypes
        ),
    )
    return buffer.getvalue()


def _apart(names: dict[str, str], keys: list[str]) -> dict[str, str]:
    """Names by key, numbered where treatment made two of them one."""
    taken: set[str] = set()
    given: dict[str, str] = {}
    for key in keys:
        name, number = names[key], 2
        while name in taken:
            name, number = f"{names[key]}-{number}", number + 1
        taken.add(name)
        given[key] = name
    return given
