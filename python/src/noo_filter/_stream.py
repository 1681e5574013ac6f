"""One run of noo filter over a stream of batches."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterable

import pyarrow as pa

from . import _program
from ._report import Report
from ._settings import FilterSettings
from ._source import checked
from .errors import InputError, NooError, ProgramError, UsageError

# Before, pyarrow wrote slices of sparse unions with values of other records.
_PYARROW = 25


def run(
    schema: pa.Schema,
    batches: Iterable[pa.RecordBatch],
    settings: FilterSettings,
    take: Callable[[pa.RecordBatch], None],
) -> Report:
    """Send batches through noo filter, and call take with each batch of the result.

    Only if run returns, what take got may be used: noo ended well, and sent as many records as it
    says. On any error, noo is gone when run raises.

    All of it is in the thread of the caller: the source may belong to that thread. noo writes
    nothing before it has read its whole input, so the two streams cannot wait for each other.
    """
    if int(pa.__version__.split(".")[0]) < _PYARROW:
        raise UsageError(f"filter needs pyarrow {_PYARROW} or newer")
    # The report holds counts, and no value. Its folder is for this user alone.
    folder = tempfile.mkdtemp(prefix="noo-filter-")
    try:
        place = os.path.join(folder, "report.json")
        command = ["filter", "-", "-o", "-", "--quiet", f"--report={place}", *settings.arguments()]
        with _program.Running(command) as noo:
            sent, failed = _send(noo, schema, batches)
            received, broken = (0, True) if failed else _receive(noo, schema, take)
            ended = noo.end()
        if ended is not None:
            raise ended
        if failed is not None:
            raise failed
        if broken:
            raise ProgramError("noo ended before its stream did, or wrote another one")
        report = _read_report(place)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if (report.read, report.written) != (sent, received):
        raise ProgramError("noo read or wrote another number of records than it says")
    return report


def _send(
    noo: _program.Running, schema: pa.Schema, batches: Iterable[pa.RecordBatch]
) -> tuple[int, NooError | None]:
    """Send batches to noo, and return their records. The error is that of a noo that stopped.

    An error of the source goes on to the caller, who kills noo: it must not take what it has for
    the whole.
    """
    sent = 0
    pieces = checked(schema, batches)
    writer: pa.RecordBatchStreamWriter | None = None
    while True:
        piece = next(pieces, None)
        try:
            if writer is None:
                writer = pa.ipc.new_stream(noo.input, schema)
            if piece is None:
                writer.close()
                noo.close_input()
                return sent, None
            writer.write_batch(piece)
            sent += piece.num_rows
            continue
        except OSError:
            return sent, ProgramError("noo did not read all records")  # Its exit code says why.
        except Exception as error:
            raised = type(error).__name__
        raise InputError(f"the table could not be sent to noo as an Arrow stream ({raised})")


def _receive(
    noo: _program.Running, schema: pa.Schema, take: Callable[[pa.RecordBatch], None]
) -> tuple[int, bool]:
    """Take the batches of noo, and return their records, and whether the stream was a wrong one."""
    received = 0
    try:
        reader = pa.ipc.open_stream(noo.output)
        if not reader.schema.equals(schema, check_metadata=True):
            return 0, True
        for batch in reader:
            received += batch.num_rows
            take(batch)
        return received, noo.output.read(1) != b""
    except (OSError, pa.ArrowException):
        return received, True


def _read_report(place: str) -> Report:
    try:
        with open(place, encoding="utf-8") as file:
            text = file.read()
    except (OSError, ValueError):
        text = ""
    return Report.from_json(text)
