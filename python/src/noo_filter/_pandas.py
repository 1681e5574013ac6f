"""DataFrames of pandas.

Arrow cannot hold a DataFrame as it is: types, missing values and the index would come back as
others. So noo gets the Arrow form of all columns and of the index, and the place of each record.
The places that come back say which records the result takes from the DataFrame itself.

pandas keeps values beside the records, in categories and levels. They are cut down to those that
the result uses. Columns of Arrow types come from what noo wrote, with dictionaries cut down.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from . import _program, _stream, _verdicts
from ._report import Report
from ._settings import FilterSettings, Settings
from ._source import shown
from .errors import InputError, ProgramError, UsageError


def filter_frame(frame: pd.DataFrame, settings: FilterSettings) -> tuple[pd.DataFrame, Report]:
    """Return the records of frame that may be disclosed, and the report."""
    table = _as_arrow(frame)
    place = _unused(table.schema.names)
    places = pa.array(np.arange(len(frame), dtype=np.int64))
    table = table.append_column(place, places)
    of_arrow = [i for i, dtype in enumerate(_dtypes(frame)) if isinstance(dtype, pd.ArrowDtype)]
    kept: list[Any] = []
    written: dict[int, list[pa.Array]] = {i: [] for i in of_arrow}

    def take(batch: pa.RecordBatch) -> None:
        # A copy, for the column is a part of the memory of the whole batch.
        kept.append(batch.column(batch.num_columns - 1).to_numpy().copy())
        for i, arrays in written.items():
            arrays.append(batch.column(i))

    report = _stream.run(table.schema, table.to_batches(), settings, take)
    at = np.concatenate([np.empty(0, np.int64), *kept])
    if len(at) and (at[0] < 0 or at[-1] >= len(frame) or (np.diff(at) <= 0).any()):
        raise ProgramError("noo wrote records that it was not sent")
    arrays = {
        i: pd.arrays.ArrowExtensionArray(pa.chunked_array(chunks, table.schema.types[i]))
        for i, chunks in written.items()
    }
    result = _program.without_values(
        "pandas could not take the records out of the DataFrame", lambda: _taken(frame, at, arrays)
    )
    return result, report


def verdicts_of(data: pd.Series | pd.DataFrame, settings: Settings) -> pd.Series:
    """Return the verdicts on the records of data, with its index."""
    frame = data.to_frame() if isinstance(data, pd.Series) else data
    table = _as_arrow(frame, index=False)
    if isinstance(data, pd.Series):
        table = table.rename_columns(["nhs_number"])
    answers = _verdicts.of_batches(table.schema, table.to_batches(), settings)
    codes = [np.empty(0, np.int8), *(answer.indices.to_numpy() for answer in answers)]
    words = pd.CategoricalDtype(list(_verdicts.VERDICTS))
    categories = pd.Categorical.from_codes(np.concatenate(codes).astype(np.int8), dtype=words)
    return pd.Series(categories, index=data.index, name="verdict")


def _as_arrow(frame: pd.DataFrame, index: bool = True) -> pa.Table:
    """Return the Arrow form of all columns, and of the levels of the index behind them."""
    if type(frame) is not pd.DataFrame:
        raise UsageError("a subclass of DataFrame may hold more than its columns: convert it first")
    named = list(_columns(frame))
    if index:
        named += _levels(frame.index)
    arrays = [_array(shown(name, i), values) for i, (name, values) in enumerate(named, 1)]
    # noo looks for numbers in metadata too.
    metadata = {"columns": str(list(frame.columns.names))}
    fields = [pa.field(n, a.type) for (n, _), a in zip(named, arrays, strict=True)]
    schema = pa.schema(fields, metadata)
    return _program.without_values(
        "the names of the columns are no texts of Arrow",
        lambda: pa.Table.from_arrays(arrays, schema=schema),
    )


def _columns(frame: pd.DataFrame) -> Iterator[tuple[str, Any]]:
    for i, label in enumerate(frame.columns):
        yield str(label), frame.iloc[:, i].array


def _levels(index: pd.Index) -> list[tuple[str, Any]]:
    """Return the levels of an index, under their names or else those that pyarrow gives them."""
    if (
        isinstance(index, pd.RangeIndex)
        and index.name is None
        and (index.start, index.step) == (0, 1)
    ):
        return []
    return [
        (f"__index_level_{i}__" if name is None else str(name), index.get_level_values(i).array)
        for i, name in enumerate(index.names)
    ]


def _dtypes(frame: pd.DataFrame) -> list[Any]:
    """Return the types of the columns and of the levels of the index, as _as_arrow orders them."""
    return [values.dtype for _, values in [*_columns(frame), *_levels(frame.index)]]


def _array(place: str, values: Any) -> pa.Array | pa.ChunkedArray:
    dtype = values.dtype
    if not isinstance(dtype, np.dtype) and type(dtype).__module__.split(".")[0] != "pandas":
        raise InputError(f"{place}: its type is from another library than pandas: convert it")
    held = values.categories if isinstance(dtype, pd.CategoricalDtype) else values
    if str(held.dtype) == "object" and not _plain(held):
        raise InputError(f"{place}: its values are of a class that may hold more: convert them")
    array = _program.without_values(
        f"{place}: Arrow has no type for its values: give all of them one type",
        lambda: pa.array(values, from_pandas=True),
    )
    if pa.types.is_null(array.type) and not isinstance(dtype, pd.ArrowDtype):
        return array.cast(pa.string())  # No value says what they would be.
    return array


_CONTAINERS = (list, tuple, dict, np.ndarray)
_PLAIN = {"builtins", "datetime", "decimal", "uuid", "numpy", "pandas"}


def _plain(values: Any) -> bool:
    """Report whether objects, and what they contain, are what Arrow sees of them and no more.

    A class of somebody's own may have attributes, which Arrow does not see and pickle keeps.
    """
    kinds = set(map(type, values))
    if not {kind.__module__.split(".")[0] for kind in kinds} <= _PLAIN:
        return False
    if kinds.isdisjoint(_CONTAINERS):
        return True
    return all(_plain(_contained(value)) for value in values if type(value) in _CONTAINERS)


def _contained(value: Any) -> Any:
    if type(value) is dict:
        return [*value, *value.values()]
    if type(value) is np.ndarray:
        return value.ravel() if value.dtype == object else []
    return value


def _own(value: Any) -> Any:
    """Return a value that shares no memory with others: an array may be a part of a larger one."""
    if type(value) is np.ndarray:
        copy = value.copy()
        if value.dtype == object:
            copy.ravel()[:] = _owned(value.ravel())
        return copy
    if type(value) is dict:
        return {key: _own(each) for key, each in value.items()}
    if type(value) in (list, tuple):
        return type(value)(_own(each) for each in value)
    return value


def _owned(values: Any) -> Any:
    """Return objects as an array of objects, in which no value shares memory with others."""
    owned = np.empty(len(values), object)
    for i, value in enumerate(values):
        owned[i] = _own(value)
    return owned


def _unused(names: list[str]) -> str:
    name = "noo_filter_place"
    while name in names:
        name += "_"
    return name


def _taken(frame: pd.DataFrame, at: Any, arrays: dict[int, Any]) -> pd.DataFrame:
    """Return the records of frame at the places at, and nothing of the others.

    arrays are the columns, and behind them the levels of the index, that noo wrote itself.
    """
    bare = frame.copy(deep=False)
    bare.attrs = {}  # They may hold anything, and no record can be removed from them.
    bare.index = pd.RangeIndex(len(frame))
    width = frame.shape[1]
    for i in range(width):
        if i in arrays:
            bare.isetitem(i, np.zeros(len(frame), bool))
    result: pd.DataFrame = bare.iloc[at]
    for i in range(width):
        values = arrays.get(i, result.iloc[:, i].array)
        cut = _cut_down(values)
        if i in arrays or cut is not values:
            result.isetitem(i, cut)
    levels = _levels(frame.index)
    of_index = {i - width: values for i, values in arrays.items() if i >= width}
    if levels:
        taken = [
            of_index[i] if i in of_index else _cut_down(values.take(at))
            for i, (_, values) in enumerate(levels)
        ]
        result.index = _index(frame.index, taken)
    else:
        result.index = frame.index.take(at)
    result.columns = _used(frame.columns)
    return result


def _cut_down(values: Any) -> Any:
    if isinstance(values.dtype, pd.CategoricalDtype):
        return values.remove_unused_categories()
    objects = str(values.dtype) == "object"
    if objects and not set(map(type, values)).isdisjoint(_CONTAINERS):
        return _owned(values)
    return values


def _index(like: pd.Index, levels: list[Any]) -> pd.Index:
    if isinstance(like, pd.MultiIndex):
        return pd.MultiIndex.from_arrays(levels, names=like.names)
    index: pd.Index = pd.Index(levels[0], dtype=levels[0].dtype, name=like.name)
    return index


def _used(columns: pd.Index) -> pd.Index:
    """Return the names of columns, without those of columns that frame once had."""
    if isinstance(columns, (pd.MultiIndex, pd.CategoricalIndex)):
        levels = [_cut_down(columns.get_level_values(i).array) for i in range(columns.nlevels)]
        return _index(columns, levels)
    return columns.copy(deep=True)  # It may be a part of a larger one.
