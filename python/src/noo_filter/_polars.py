"""DataFrames of Polars.

The result comes from what noo wrote. What Polars itself filters shares memory with the DataFrame,
and in this memory are the texts of removed records. Each run checks that Polars reads its own types
back as they were.
"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl
import pyarrow as pa

from . import _program, _stream, _verdicts
from ._report import Report
from ._settings import FilterSettings, Settings
from ._source import shown
from .errors import InputError, ProgramError, UsageError

if int(pl.__version__.split(".")[0]) < 2:
    # Polars 1 exports some slices wrongly: those of Array, and of Categorical in Struct.
    raise UsageError("noo_filter needs Polars 2 or newer; or call to_arrow() and filter the result")

# Texts as offsets and bytes: of the views of newer levels, each slice holds the texts of all.
_OLDEST = pl.CompatLevel.oldest()
_ROWS = 1 << 16


def filter_frame(frame: pl.DataFrame, settings: FilterSettings) -> tuple[pl.DataFrame, Report]:
    """Return the records of frame that may be disclosed, and the report."""
    for number, (name, kind) in enumerate(frame.schema.items(), 1):
        if _holds_objects(kind):
            raise InputError(f"{shown(name, number)}: noo cannot look into Python objects: cast it")
    schema = _arrow(frame.clear()).schema
    kept: list[pa.RecordBatch] = []
    report = _stream.run(schema, _batches(frame), settings, kept.append)
    table = pa.Table.from_batches(kept, schema)
    kept.clear()
    result = _program.without_values(
        "Polars could not read what noo wrote", lambda: pl.from_arrow(table), ProgramError
    )
    if not isinstance(result, pl.DataFrame) or result.schema != frame.schema:
        raise ProgramError("the types of the result are not those of the DataFrame")
    return result, report


def verdicts_of(data: pl.Series | pl.DataFrame, settings: Settings) -> pl.Series:
    """Return the verdicts on the records of data."""
    frame = data.alias("nhs_number").to_frame() if isinstance(data, pl.Series) else data
    answers = list(_verdicts.of_batches(_arrow(frame.clear()).schema, _batches(frame), settings))
    texts = pa.chunked_array([answer.cast(pa.string()) for answer in answers], pa.string())
    return pl.Series("verdict", pl.from_arrow(texts)).cast(pl.Enum(_verdicts.VERDICTS))


def _batches(frame: pl.DataFrame) -> Iterator[pa.RecordBatch]:
    for part in frame.iter_slices(_ROWS):
        yield from _arrow(part).to_batches()


def _arrow(frame: pl.DataFrame) -> pa.Table:
    return _program.without_values(
        "Arrow has no type for a column of the DataFrame: cast it",
        lambda: frame.to_arrow(compat_level=_OLDEST),
    )


def _holds_objects(kind: pl.DataType) -> bool:
    if isinstance(kind, (pl.List, pl.Array)):
        return _holds_objects(kind.inner)  # type: ignore[arg-type]
    if isinstance(kind, pl.Struct):
        return any(_holds_objects(field.dtype) for field in kind.fields)  # type: ignore[arg-type]
    return kind == pl.Object
