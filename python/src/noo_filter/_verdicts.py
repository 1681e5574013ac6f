"""One noo verdicts process for many batches: see docs/verdicts.md for the protocol."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import pyarrow as pa

from . import _program
from ._settings import Settings
from .errors import NooError, ProgramError

KEPT = "kept"


class VerdictStream:
    """A running noo that answers batches of identifying columns with verdicts.

    All columns of schema identify people, unless flags name some with --column. A VerdictStream is for one thread. Use it in a with
    statement: without an error, the end of the statement checks that noo ended well. Until then, use
    none of the verdicts for anything that cannot be taken back.
    """

    def __init__(
        self,
        schema: pa.Schema,
        settings: Settings,
        report: str | None = None,
        flags: Sequence[str] = (),
    ) -> None:
        command = [_program.path(), "verdicts", "-", "-o", "-", "--quiet"]
        command += [*settings.arguments(), *flags]
        if report is not None:
            command += ["--report", report]
        # A file takes what noo says: nobody has to read it while the batches go to and fro.
        self._errors = tempfile.TemporaryFile()
        try:
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors
            )
        except OSError as error:
            self._errors.close()
            raise ProgramError(f"noo could not be run: {error.strerror}") from error
        self._schema = schema
        self._writer: pa.RecordBatchStreamWriter | None = None
        self._reader: pa.RecordBatchStreamReader | None = None

    def answer(self, batch: pa.RecordBatch) -> pa.Array:
        """Return the verdicts of a batch, one for each record, as a dictionary of texts.

        Raises an error of noo_filter.errors if noo refuses the snapshot or the batch. The stream is
        over then.
        """
        try:
            if self._writer is None:
                self._writer = pa.ipc.new_stream(self._process.stdin, self._schema)
            self._writer.write_batch(batch)
            self._process.stdin.flush()
            if self._reader is None:
                self._reader = pa.ipc.open_stream(self._process.stdout)
            verdicts = self._reader.read_next_batch().column("verdict")
        except (OSError, StopIteration, pa.ArrowInvalid) as error:
            raise self._fail() from error
        if len(verdicts) != batch.num_rows:
            self.kill()
            raise ProgramError("noo answered with another number of verdicts than records")
        return verdicts

    def snapshots(self) -> list[dict[str, Any]]:
        """Return what noo says of the snapshots that it answers from, as in a report.

        It is known after the first answer.
        """
        said = (self._reader.schema.metadata or {}) if self._reader is not None else {}
        return json.loads(said.get(b"noo.snapshots", b"[]"))

    def close(self) -> None:
        """End the stream, and raise an error unless noo ended well."""
        try:
            if self._writer is None:
                self._writer = pa.ipc.new_stream(self._process.stdin, self._schema)
            self._writer.close()
            self._process.stdin.close()
            if self._reader is None:
                self._reader = pa.ipc.open_stream(self._process.stdout)
            for _ in self._reader:
                self.kill()
                raise ProgramError("noo answered with more batches than it was sent")
        except (OSError, pa.ArrowInvalid) as error:
            raise self._fail() from error
        self._process.stdout.close()
        if self._process.wait() != 0:
            raise self._fail()
        self._errors.close()

    def kill(self) -> None:
        """End noo at once. It may have ended already."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            try:
                pipe.close()
            except OSError:
                pass  # Python wanted to flush what nobody reads any more.
        self._errors.close()

    def _fail(self) -> NooError:
        """Wait for the end of noo after a broken stream, and return what went wrong."""
        try:
            self._process.stdin.close()
        except OSError:
            pass
        self._process.stdout.close()
        exit_code = self._process.wait()
        self._errors.seek(0)
        said = self._errors.read().decode(errors="replace")
        self._errors.close()
        if exit_code == 0:
            return ProgramError("noo ended before its stream did")
        return _program.failure(exit_code, said)

    def __enter__(self) -> VerdictStream:
        return self

    def __exit__(self, kind, error, traceback) -> None:
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
