"""One noo verdicts process for many batches: see docs/verdicts.md for the protocol."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from . import _program
from ._settings import OF_COLUMNS, Settings, VerdictArguments
from ._source import checked, is_a, reader_of
from .errors import InputError, NooError, ProgramError, UsageError

if TYPE_CHECKING:
    from typing_extensions import Unpack

KEPT = "kept"
VERDICTS = (KEPT, "opted_out", "missing", "invalid", "unchecked")

_TYPE = pa.dictionary(pa.int8(), pa.string())


def verdicts(data: Any, **settings: Unpack[VerdictArguments]) -> Any:
    """Return the verdict on each value of data: kept, opted_out, missing, invalid or unchecked.

    data is an array, a Series, or a list of NHS numbers. Of a table, all columns have NHS numbers
    that belong to the record, and the strictest decides. A pandas Series or DataFrame gives a
    Series with the same index, and Polars a Series of an Enum. A pyarrow Array or a list gives a
    pyarrow DictionaryArray, and anything else a ChunkedArray.

    Keep a record only if its verdict is kept. An invalid value may show the number of somebody who
    opted out. verdicts looks at no other column: filter does.

    Raises an error of noo_filter.errors, which holds no value. With missing="fail" and the like, a
    DisclosureError says that there is such a record.
    """
    given = Settings(**settings)
    if is_a(data, "pandas", "DataFrame") or is_a(data, "pandas", "Series"):
        from . import _pandas

        return _pandas.verdicts_of(data, given)
    if is_a(data, "polars", "DataFrame") or is_a(data, "polars", "Series"):
        from . import _polars

        return _polars.verdicts_of(data, given)
    if isinstance(data, (pa.Table, pa.RecordBatch, pa.RecordBatchReader)):
        reader = reader_of(data)
        return _chunked(reader.schema, reader, given)
    values = _values(data)
    if isinstance(values, pa.RecordBatchReader):
        return _chunked(values.schema, values, given)
    schema = pa.schema([("nhs_number", values.type)])
    chunks = values.chunks if isinstance(values, pa.ChunkedArray) else [values]
    batches = (pa.RecordBatch.from_arrays([chunk], schema=schema) for chunk in chunks)
    answers = _chunked(schema, batches, given)
    if isinstance(values, pa.ChunkedArray):
        return answers
    return pa.concat_arrays(answers.chunks) if answers.chunks else pa.array([], _TYPE)


def _values(data: Any) -> pa.Array | pa.ChunkedArray | pa.RecordBatchReader:
    """Return data as an array, or what reads it if it is a table."""
    if isinstance(data, (pa.Array, pa.ChunkedArray)):
        return data
    if isinstance(data, (str, bytes, Mapping)):
        raise UsageError("want an array, a list or a table of NHS numbers")
    if is_a(data, "polars", "LazyFrame"):
        return reader_of(data)  # It says what to do.
    if hasattr(data, "__arrow_c_stream__"):

        def read() -> pa.ChunkedArray | pa.RecordBatchReader:
            try:
                return pa.RecordBatchReader.from_stream(data)
            except pa.ArrowException:
                return pa.chunked_array(data)

        return _program.without_values("the stream holds neither a table nor an array", read)
    values = _program.without_values(
        "Arrow has no type for the values: give all of them one type",
        lambda: pa.array(data, from_pandas=True),
    )
    if pa.types.is_null(values.type):
        return values.cast(pa.string())  # No value says what they would be.
    return values


def _chunked(
    schema: pa.Schema, batches: Iterable[pa.RecordBatch], settings: Settings
) -> pa.ChunkedArray:
    return pa.chunked_array(list(of_batches(schema, batches, settings)), _TYPE)


class VerdictStream:
    """A running noo that answers batches of identifying columns with verdicts.

    All columns of schema identify people, unless flags name some with --column. A VerdictStream is
    for one thread. Use it in a with statement: without an error, the end of the statement checks
    that noo ended well. Until then, use none of the verdicts for anything that cannot be undone.
    """

    def __init__(
        self,
        schema: pa.Schema,
        settings: Settings,
        report: str | None = None,
        flags: Sequence[str] = (),
    ) -> None:
        command = ["verdicts", "-", "-o", "-", "--quiet", *settings.arguments(), *flags]
        if report is not None:
            command.append(f"--report={report}")
        self._noo = _program.Running(command, without=OF_COLUMNS)
        self._schema = schema
        self._writer: pa.RecordBatchStreamWriter | None = None
        self._reader: pa.RecordBatchStreamReader | None = None

    def answer(self, batch: pa.RecordBatch) -> pa.Array:
        """Return the verdicts of a batch, one for each record, as a dictionary of texts.

        Raises an error of noo_filter.errors if noo refuses the snapshot or the batch. The stream is
        over then.
        """
        verdicts, raised = None, ""
        try:
            self._send(batch)
            if self._reader is None:
                self._reader = pa.ipc.open_stream(self._noo.output)
            verdicts = self._reader.read_next_batch().column("verdict")
        except (OSError, StopIteration, pa.ArrowInvalid):
            pass  # noo says why.
        except Exception as error:
            raised = type(error).__name__
        if raised:
            self.kill()
            raise InputError(f"the values could not be sent to noo as an Arrow stream ({raised})")
        if verdicts is None:
            raise self._fail()
        if (
            len(verdicts) != batch.num_rows
            or verdicts.type != _TYPE
            or verdicts.dictionary.to_pylist() != list(VERDICTS)
        ):
            self.kill()
            raise ProgramError("noo answered with other verdicts than one for each record")
        return verdicts

    def digests(self) -> tuple[str, ...]:
        """Return the SHA-256 of the snapshots that noo answers from.

        They are known after the first answer, or after the end.
        """
        said = (self._reader.schema.metadata or {}) if self._reader is not None else {}
        try:
            found = json.loads(said.get(b"noo.snapshots", b"[]"))
            return tuple(str(snapshot["sha256"]) for snapshot in found)
        except (ValueError, LookupError, TypeError):
            raise ProgramError(
                "noo does not say which snapshots it uses: install one version of noo-filter"
            ) from None

    def _send(self, batch: pa.RecordBatch | None) -> None:
        if self._writer is None:
            self._writer = pa.ipc.new_stream(self._noo.input, self._schema)
        if batch is None:
            self._writer.close()
            self._noo.close_input()
        else:
            self._writer.write_batch(batch)
            self._noo.input.flush()

    def close(self) -> None:
        """End the stream, and raise an error unless noo ended well."""
        more, ended = False, False
        try:
            self._send(None)
            if self._reader is None:
                self._reader = pa.ipc.open_stream(self._noo.output)
            more = next(iter(self._reader), None) is not None
            ended = not more and self._noo.output.read(1) == b""
        except (OSError, pa.ArrowInvalid):
            pass  # noo says why.
        if more:
            self.kill()
            raise ProgramError("noo answered with more batches than it was sent")
        failed = self._noo.end()
        if failed is not None:
            raise failed
        if not ended:
            raise ProgramError("noo ended before its stream did")

    def kill(self) -> None:
        """End noo at once. It may have ended already."""
        self._noo.kill()

    def _fail(self) -> NooError:
        """Wait for the end of noo after a broken stream, and return what went wrong."""
        return self._noo.end() or ProgramError("noo ended before its stream did")

    def __enter__(self) -> VerdictStream:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if kind is None:
            self.close()
        else:
            self.kill()


def answers(
    schema: pa.Schema, batches: Iterable[pa.RecordBatch], settings: Settings
) -> Iterator[pa.Array]:
    """Yield the verdicts of each batch in turn; raise an error unless noo ended well."""
    with VerdictStream(schema, settings) as stream:
        for batch in batches:
            yield stream.answer(batch)


def of_batches(
    schema: pa.Schema, batches: Iterable[pa.RecordBatch], settings: Settings
) -> Iterator[pa.Array]:
    """Yield the verdicts on the records of batches, in their order, from a source that may fail."""
    # Metadata, such as the values of an Enum, is no matter of verdicts, and noo need not judge it.
    bare = pa.schema([field.remove_metadata() for field in schema])
    return answers(bare, checked(schema, batches), settings)
