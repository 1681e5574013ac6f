"""The call filter: which kind of table it got, and what it hands back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar, overload

import pyarrow as pa

from . import _stream
from ._report import Report
from ._settings import FilterArguments, FilterSettings
from ._source import is_a, reader_of

if TYPE_CHECKING:
    import pandas
    import polars
    from typing_extensions import Unpack

    Frame = TypeVar("Frame", pandas.DataFrame, polars.DataFrame)


@overload
def filter(table: Frame, **settings: Unpack[FilterArguments]) -> tuple[Frame, Report]: ...
@overload
def filter(table: Any, **settings: Unpack[FilterArguments]) -> tuple[pa.Table, Report]: ...
def filter(table: Any, **settings: Unpack[FilterArguments]) -> tuple[Any, Report]:
    """Return table without the records that must not be disclosed, and a report with counts.

    table is a pandas or Polars DataFrame, a pyarrow Table, RecordBatch or RecordBatchReader, or
    anything else with __arrow_c_stream__, such as a relation of DuckDB. A DataFrame gives a
    DataFrame of its kind, everything else a pyarrow Table. The records keep their order, and no
    value of a kept record changes.

    The settings are the flags of noo filter: see FilterArguments, and docs/python.md.

    Raises an error of noo_filter.errors, and then hands out nothing. The text of the error holds no
    NHS number and no value. filter is safe for concurrent use, if nobody changes table meanwhile.
    """
    given = FilterSettings(**settings)
    if is_a(table, "pandas", "DataFrame"):
        from . import _pandas

        return _pandas.filter_frame(table, given)
    if is_a(table, "polars", "DataFrame"):
        from . import _polars

        return _polars.filter_frame(table, given)
    reader = reader_of(table)
    kept: list[pa.RecordBatch] = []
    try:
        report = _stream.run(reader.schema, reader, given, kept.append)
        return pa.Table.from_batches(kept, reader.schema), report
    finally:
        if reader is not table:
            reader.close()  # DuckDB runs no other query before.
