"""The noo that a worker keeps: when it is used again, and when it ends. No Spark runs here."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pytest
from conftest import People

from noo_filter import DisclosureError, ProgramError, SnapshotError, _worker
from noo_filter._settings import Settings
from noo_filter._verdicts import VERDICTS
from noo_filter._worker import Job


@pytest.fixture()
def job(people: People) -> Iterator[Job]:
    """The job over a snapshot of its own, which a test may replace."""
    import noo_filter.spark

    people.build("worker.noo", None, "--force")
    settings = Settings(**{**people.settings, "snapshot": people.folder / "worker.noo"})
    made, _ = noo_filter.spark._plan(settings, False, pa.schema([("n", pa.string())]))
    yield made
    for process in _worker._processes.values():
        process.stream.close()
    _worker._processes.clear()


def words(job: Job, *columns: list[Any]) -> list[str]:
    found = _worker.codes(job, [pa.array(column, pa.string()) for column in columns])
    assert found.type == pa.int8() and found.null_count == 0
    return [VERDICTS[code] for code in found.to_pylist()]


def pids() -> list[int]:
    return [p.stream._noo.process.pid for p in _worker._processes.values()]


def test_reuse(job: Job, people: People) -> None:
    here = next(n for n in people.all if n not in people.gone)
    gone = min(people.gone)
    assert words(job, [here, gone, None, "x"]) == ["kept", "opted_out", "missing", "invalid"]
    first = pids()
    assert words(job, []) == []
    assert words(pickle.loads(pickle.dumps(job)), [gone]) == ["opted_out"]
    assert pids() == first
    # Another number of columns needs another stream. The third takes the place of the first.
    assert words(job, [here, None], [gone, here]) == ["opted_out", "kept"]
    assert len(pids()) == 2 and first[0] in pids()
    assert words(job, [here], [None], [here]) == ["kept"]
    assert len(pids()) == 2 and first[0] not in pids()


def test_policy(job: Job, people: People) -> None:
    failing = replace(job, failing=("missing",))
    assert words(failing, [min(people.gone), "x"]) == ["opted_out", "invalid"]
    running = pids()
    with pytest.raises(DisclosureError, match='a record is missing, and the policy is missing="f'):
        words(failing, [min(people.gone), None])
    assert pids() == running  # it is well
    assert words(job, [None]) == ["missing"]


def test_killed(job: Job, people: People) -> None:
    gone = min(people.gone)
    assert words(job, [gone]) == ["opted_out"]
    os.kill(pids()[0], signal.SIGKILL)
    with pytest.raises(ProgramError, match="noo was killed by signal 9; use none of its results"):
        words(job, [gone])
    assert pids() == []
    assert words(job, [gone]) == ["opted_out"]


def test_interrupted(job: Job, people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    """After an interrupted answer, nothing that noo still says is taken for another one."""
    here, gone = next(n for n in people.all if n not in people.gone), min(people.gone)
    assert words(job, [gone]) == ["opted_out"]
    stream = next(iter(_worker._processes.values())).stream

    def interrupted(batch: pa.RecordBatch) -> pa.Array:
        stream._send(batch)
        raise KeyboardInterrupt

    monkeypatch.setattr(stream, "answer", interrupted)
    with pytest.raises(KeyboardInterrupt):
        words(job, [here])
    assert pids() == []
    assert words(job, [gone]) == ["opted_out"]


def test_age(job: Job, people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that answered for long enough ends. The next one verifies the snapshot again."""
    gone = min(people.gone)
    assert words(job, [gone]) == ["opted_out"]
    first = pids()
    good = (people.folder / "worker.noo").read_bytes()
    people.build("worker.noo", frozenset(people.all[:9]), "--force")
    assert words(job, [gone]) == ["opted_out"]  # from the snapshot of the plan
    assert pids() == first
    monkeypatch.setattr(_worker, "LIFETIME", 0.0)
    next(iter(_worker._processes.values())).ends = 0.0
    with pytest.raises(SnapshotError, match="not the one that the driver verified"):
        words(job, [gone])
    (people.folder / "worker.noo").write_bytes(good)
    assert words(job, [gone]) == ["opted_out"]
    assert pids() != first
    # The snapshot becomes too old while the job runs.
    old = replace(job, settings=replace(job.settings, max_age="1s"))
    time.sleep(1.1)
    with pytest.raises(SnapshotError, match=r"old"):
        words(old, [gone])


def _in_child(job: Job, gone: str, out: Any) -> None:
    out.put((words(job, [gone]), pids()))


def test_fork(job: Job, people: People) -> None:
    """A forked worker starts a noo of its own, and the one of its parent goes on."""
    gone = min(people.gone)
    assert words(job, [gone]) == ["opted_out"]
    mine = pids()
    context = multiprocessing.get_context("fork")
    out = context.Queue()
    child = context.Process(target=_in_child, args=(job, gone, out))
    child.start()
    found, theirs = out.get(timeout=60)
    child.join(60)
    assert child.exitcode == 0
    assert found == ["opted_out"] and theirs != mine
    assert words(job, [gone]) == ["opted_out"]
    assert pids() == mine


def test_other_version(job: Job, monkeypatch: pytest.MonkeyPatch, people: People) -> None:
    """A noo whose verdicts are others is refused."""
    monkeypatch.setattr(_worker, "VERDICTS", ("kept", "gone"))
    with pytest.raises(ProgramError, match="install one version"):
        words(job, [min(people.gone)])
