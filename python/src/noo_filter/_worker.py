"""Verdicts in a worker of an engine: one noo process answers all its tasks.

An engine such as Spark keeps a Python process for many tasks. noo would verify the snapshot and
index it again for each of them. So a worker keeps its noo process. An answer is complete when it
is there: noo verified the snapshot before its first answer, and it checks a batch before it answers
it. Whatever goes wrong later takes nothing back of it.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import pyarrow as pa
import pyarrow.compute as pc

from ._settings import Path, Settings, as_list
from ._verdicts import VERDICTS, VerdictStream
from .errors import DisclosureError, ProgramError, SnapshotError

LIFETIME = 300.0
"""Seconds that a noo process answers. The next one verifies the snapshot and its age again."""

MOST = 2
"""How many noo processes a worker keeps: a query may ask for verdicts by two sets of settings."""


@dataclass(frozen=True)
class Job:
    """The job that a worker does for its driver. It can be pickled.

    digests are the SHA-256 of the snapshots that the driver verified: the verdicts of all workers
    come from the same. failing are the verdicts at which the job stops. With shipped, the engine
    has brought the snapshots and the trusted keys, and they are found by their base names.
    """

    settings: Settings
    digests: tuple[str, ...]
    failing: tuple[str, ...] = ()
    shipped: bool = False


class _Process:
    """A noo process that answers one kind of batches."""

    def __init__(self, schema: pa.Schema, settings: Settings) -> None:
        self.stream = VerdictStream(schema, settings)
        self.schema = schema
        self.ends = time.monotonic() + LIFETIME

    def codes(self, batch: pa.RecordBatch, digests: tuple[str, ...]) -> pa.Array:
        """Return the codes of the verdicts."""
        verdicts = self.stream.answer(batch)
        if self.stream.digests() != digests:
            raise SnapshotError(
                "the snapshot here is not the one that the driver verified: "
                "give all machines the same, and plan the job again"
            )
        if verdicts.null_count != 0:
            raise ProgramError("noo answered without a verdict")
        if tuple(verdicts.dictionary.to_pylist()) != VERDICTS:
            raise ProgramError("noo has other verdicts than this package: install one version")
        return verdicts.indices


_lock = threading.Lock()
_processes: dict[object, _Process] = {}
_owner = os.getpid()
_inherited: list[dict[object, _Process]] = []


def codes(job: Job, columns: Sequence[pa.Array]) -> pa.Array:
    """Return the code of the verdict on each record, as 8-bit integers without nulls.

    The code of a verdict is its place in VERDICTS. All columns identify people. Raises an error of
    noo_filter.errors. If noo failed, this worker starts another one for the next call.
    """
    if len(columns[0]) == 0:
        return pa.array([], pa.int8())
    with _lock:
        found = _answer(job, columns)
    for word in job.failing:
        if pc.any(pc.equal(found, VERDICTS.index(word))).as_py():
            raise DisclosureError(f'a record is {word}, and the policy is {word}="fail"')
    return found


def _answer(job: Job, columns: Sequence[pa.Array]) -> pa.Array:
    """Return the codes from the process for this job, which is started if there is none."""
    global _processes, _owner
    if _owner != os.getpid():
        # This worker is a fork. The processes belong to its parent, and so do their pipes.
        _inherited.append(_processes)
        _processes, _owner = {}, os.getpid()
    settings = _located(job)
    types = tuple(column.type for column in columns)
    key = (tuple(settings.arguments()), job.digests, types)
    process = _processes.pop(key, None)
    # Each answer is complete by itself, so a process may be killed between two of them: how it ends
    # does not matter to this task.
    if process is not None and time.monotonic() >= process.ends:
        process.stream.kill()
        process = None
    if process is None:
        while len(_processes) >= MOST:
            _processes.pop(next(iter(_processes))).stream.kill()
        names = [f"column_{number}" for number in range(1, len(columns) + 1)]
        process = _Process(pa.schema(list(zip(names, types, strict=True))), settings)
    try:
        batch = pa.RecordBatch.from_arrays(list(columns), schema=process.schema)
        found = process.codes(batch, job.digests)
    except BaseException:
        # The engine may have interrupted the answer: nothing that comes after it can be trusted.
        process.stream.kill()
        raise
    _processes[key] = process  # at the end: the first is the one that was used longest ago
    return found


def _located(job: Job) -> Settings:
    """Return the settings with the paths of this machine."""
    settings = job.settings
    if not job.shipped:
        return settings
    from pyspark import SparkFiles

    def here(paths: Path | Iterable[Path] | None) -> list[str] | None:
        return [SparkFiles.get(os.path.basename(path)) for path in as_list(paths)] or None

    return replace(
        settings, snapshot=here(settings.snapshot), trusted_keys=here(settings.trusted_keys)
    )
