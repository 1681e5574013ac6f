"""Parts of a cluster that die in the middle of a job: what is written is the same."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import Cluster, Extract, People, extract, wait_for
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, Observation, SparkSession

import noo_filter.spark

FILES = 24


@pytest.fixture(scope="module")
def large(people: People, tmp_path_factory: pytest.TempPathFactory) -> Extract:
    """24 files, one task each."""
    return extract(people, tmp_path_factory.mktemp("large") / "extract", FILES, 4000)


@pytest.fixture()
def slowly(spark: SparkSession) -> Iterator[None]:
    """Many small batches and one file for each task: there is time to interfere."""
    changed = {
        "spark.sql.execution.arrow.maxRecordsPerBatch": "10",
        "spark.sql.files.maxPartitionBytes": "200000",
        "spark.sql.files.openCostInBytes": "200000",
    }
    before = {key: spark.conf.get(key) for key in changed}
    for key, value in changed.items():
        spark.conf.set(key, value)
    yield
    for key, value in before.items():
        spark.conf.set(key, value)


class Failures:
    """Counts tasks of a job: those that ended, and those that failed."""

    def __init__(self, spark: SparkSession, group: str) -> None:
        self.tracker = spark.sparkContext.statusTracker()
        self.group = group
        self.failed = 0

    def completed(self) -> int:
        done = 0
        for job in self.tracker.getJobIdsForGroup(self.group):
            info = self.tracker.getJobInfo(job)
            for stage in info.stageIds if info else []:
                found = self.tracker.getStageInfo(stage)
                if found is not None:
                    done += found.numCompletedTasks
                    self.failed = max(self.failed, found.numFailedTasks)
        return done


def disturbed(spark: SparkSession, run: Callable[[], Any], disturb: Callable[[], None]) -> Failures:
    """Run a job, and disturb it when some of its tasks have ended and most have not."""
    watch = Failures(spark, f"group-{disturb.__name__}")
    ended: list[BaseException | None] = []

    def job() -> None:
        spark.sparkContext.setJobGroup(watch.group, watch.group)
        try:
            run()
            ended.append(None)
        except BaseException as error:
            ended.append(error)

    from pyspark import InheritableThread

    # Executors that were killed before are there again, or else the others have all the tasks.
    executors = spark.sparkContext._jsc.sc().getExecutorMemoryStatus
    wait_for("both executors are there", lambda: executors().size() >= 3)  # and the driver
    thread: threading.Thread = InheritableThread(target=job)
    thread.start()
    wait_for("three tasks end", lambda: watch.completed() >= 3 or ended)
    assert not ended, f"it ended before anybody disturbed it: {ended}"
    assert watch.completed() < FILES - 4
    disturb()
    try:
        wait_for("the job ends", lambda: watch.completed() and not thread.is_alive())
    finally:
        spark.sparkContext.cancelJobGroup(watch.group)
        thread.join()
    if ended[0] is not None:
        raise ended[0]
    return watch


def written(folder: Path) -> list[tuple[Any, ...]]:
    import pyarrow.parquet as pq

    assert (folder / "_SUCCESS").exists()
    files = sorted(folder.glob("*.parquet"))
    return sorted(
        tuple(row.values()) for file in files for row in pq.ParquetFile(file).read().to_pylist()
    )


def kill_noo(cluster: Cluster) -> None:
    for pid, _ in cluster.living():
        os.kill(pid, signal.SIGKILL)


def kill_python(cluster: Cluster) -> None:
    for parent in {parent for _, parent in cluster.living()}:
        os.kill(parent, signal.SIGKILL)


def children(pid: int) -> list[int]:
    found = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        found += [int(child) for child in (task / "children").read_text().split()]
    return found


def executor_of(worker: int) -> list[int]:
    return [
        child
        for child in children(worker)
        if b"CoarseGrainedExecutorBackend" in Path(f"/proc/{child}/cmdline").read_bytes()
    ]


def kill_executor(cluster: Cluster) -> None:
    killed = executor_of(cluster.running[1].pid)
    assert killed
    for pid in killed:
        os.kill(pid, signal.SIGKILL)


def kill_worker(cluster: Cluster) -> None:
    """Kill a worker of Spark with all that runs below it, and start another one."""
    worker = cluster.running[1]
    killed = executor_of(worker.pid)
    assert killed
    for pid in [worker.pid, *killed]:
        os.kill(pid, signal.SIGKILL)
    worker.wait()
    cluster.running.remove(worker)
    cluster.start_worker("127.0.0.1")
    cluster.running.insert(1, cluster.running.pop())


@pytest.mark.parametrize("disturb", [kill_noo, kill_python, kill_executor, kill_worker])
def test_killed(
    spark: SparkSession,
    cluster: Cluster,
    people: People,
    large: Extract,
    slowly: None,
    tmp_path: Path,
    disturb: Callable[[Cluster], None],
) -> None:
    df = spark.read.parquet(str(large.folder))
    assert df.rdd.getNumPartitions() >= FILES
    counts = Observation()
    kept = noo_filter.spark.filter(df, "nhs_number", observation=counts, **people.settings)

    def act() -> None:
        disturb(cluster)

    act.__name__ = disturb.__name__
    watch = disturbed(spark, lambda: kept.write.parquet(str(tmp_path / "out")), act)
    assert watch.failed > 0, "nothing was running that the kill could hit"
    want = [r for r in large.records if people.verdict(r["nhs_number"]) == "kept"]
    assert written(tmp_path / "out") == sorted(tuple(r.values()) for r in want)
    # Nothing is shuffled after the counts, so each partition counts once.
    assert counts.get["read"] == len(large.records)
    assert counts.get["written"] == len(want)


def test_failed_partition(
    spark: SparkSession,
    cluster: Cluster,
    people: People,
    large: Extract,
    slowly: None,
    tmp_path: Path,
) -> None:
    """A partition whose noo does not run fails the job, and nothing is committed."""
    df = spark.read.parquet(str(large.folder))
    program = cluster.folder / "noo"
    good = program.read_text()
    people.build("failing.noo", None, "--force")
    settings = {**people.settings, "snapshot": people.folder / "failing.noo"}
    kept = noo_filter.spark.filter(df, "nhs_number", **settings)

    def break_noo() -> None:
        program.write_text("#!/bin/sh\nexit 5\n")
        kill_noo(cluster)

    try:
        with pytest.raises(PySparkException, match="ProgramError"):
            disturbed(spark, lambda: kept.write.parquet(str(tmp_path / "out")), break_noo)
    finally:
        program.write_text(good)
    assert not (tmp_path / "out" / "_SUCCESS").exists()
    assert not list((tmp_path / "out").glob("*.parquet"))
    assert _count(kept) == sum(people.verdict(r["nhs_number"]) == "kept" for r in large.records)


def _count(df: DataFrame) -> int:
    return df.count()


def test_speculation(
    spark: SparkSession,
    cluster: Cluster,
    people: People,
    large: Extract,
    slowly: None,
    tmp_path: Path,
) -> None:
    """A noo that hangs is a straggler: its task runs elsewhere, and the result is the same."""
    df = spark.read.parquet(str(large.folder))
    kept = noo_filter.spark.filter(df, "nhs_number", **people.settings)
    stopped: list[int] = []

    def stop_one() -> None:
        stopped.append(cluster.living()[-1][0])
        os.kill(stopped[0], signal.SIGSTOP)

    try:
        disturbed(spark, lambda: kept.write.parquet(str(tmp_path / "out")), stop_one)
    finally:
        for pid in stopped:
            if Path(f"/proc/{pid}").exists():
                os.kill(pid, signal.SIGCONT)
    want = [r for r in large.records if people.verdict(r["nhs_number"]) == "kept"]
    assert written(tmp_path / "out") == sorted(tuple(r.values()) for r in want)
