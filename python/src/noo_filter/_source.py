"""Where the records come from: Arrow batches, which a source that may fail yields one by one."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pyarrow as pa

from ._program import without_values
from .errors import InputError, UsageError

# noo holds a few batches in memory, and works on the columns of a batch side by side.
_MAX_ROWS = 1 << 17
_MAX_BYTES = 64 << 20


def is_a(table: Any, package: str, name: str) -> bool:
    """Report whether table is of a class of a package, which need not be installed."""
    module = sys.modules.get(package)
    return module is not None and isinstance(table, getattr(module, name))


def reader_of(table: Any) -> pa.RecordBatchReader:
    """Return what reads the batches of a table that is no DataFrame.

    Raises UsageError if it is no table.
    """
    if is_a(table, "polars", "LazyFrame"):
        raise UsageError("a LazyFrame of Polars has no records yet: call collect() first")
    make: Callable[[], pa.RecordBatchReader]
    if isinstance(table, pa.RecordBatchReader):
        return table
    if isinstance(table, pa.Table):
        make = table.to_reader
    elif isinstance(table, pa.RecordBatch):
        make = pa.Table.from_batches([table]).to_reader
    elif hasattr(table, "__arrow_c_stream__"):

        def make() -> pa.RecordBatchReader:
            return pa.RecordBatchReader.from_stream(table)

    else:
        raise UsageError(
            "want a table: a DataFrame, a pyarrow Table, or an object with __arrow_c_stream__"
        )
    return without_values("the table could not be read as an Arrow table", make)


def shown(name: str, number: int) -> str:
    """Return what an error calls a column: its name, or its number if the name may be data."""
    digits = sum(character.isdigit() for character in name)
    return f"column {number}" if digits >= 9 or len(name) > 60 else f"column {name}"


def checked(schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Yield batches in pieces that noo can hold in memory, and none without records.

    Raises InputError, without the error of the source, if the source fails or yields a batch of
    another schema.
    """
    source = iter(batches)

    def read() -> pa.RecordBatch | None:
        batch = next(source, None)
        if batch is not None:
            if not batch.schema.equals(schema):
                raise InputError("the table has a batch with another schema")
            batch.validate()
        return batch

    while (batch := without_values("the table could not be read to its end", read)) is not None:
        yield from _pieces(batch)


def _pieces(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    if batch.num_rows == 0:
        return
    rows = batch.num_rows
    if not any(_is_costly(kind) for kind in batch.schema.types):
        rows = max(1, min(_MAX_ROWS, rows * _MAX_BYTES // _bytes(batch)))
    for start in range(0, batch.num_rows, rows):
        yield batch.slice(start, rows)


def _bytes(batch: pa.RecordBatch) -> int:
    """Return about how many bytes a batch takes, at least 1."""
    try:
        size = int(batch.nbytes)
    except pa.ArrowException:  # Not for all types.
        size = int(batch.get_total_buffer_size())
    return max(1, size)


def _is_costly(kind: pa.DataType) -> bool:
    """Report whether pyarrow sends a slice of a type with the values of the whole."""
    if isinstance(kind, pa.BaseExtensionType):
        return _is_costly(kind.storage_type)
    if pa.types.is_dictionary(kind):
        return False  # A dictionary is sent once.
    if pa.types.is_run_end_encoded(kind):
        return _is_costly(kind.value_type)
    if str(kind).startswith(("string_view", "binary_view", "list_view", "large_list_view")):
        return True
    return any(_is_costly(kind.field(i).type) for i in range(kind.num_fields))
