"""Measures noo_filter.spark beside Spark's own left-anti join with the list broadcast.

Both read the same Parquet files, leave out the records of people who opted out, and write Parquet.
They run in turn. Usage, after make bench and make spark:

    bench/python-spark-venv/bin/python python/tests/spark/bench.py [RUNS [RECORDS...]]

It prints the rows of the table in docs/benchmarks.md. The memory is the sum over all processes of
the run, sampled 10 times a second, of what only they have (Pss).
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
BENCH = Path(os.environ.get("NOO_BENCH", ROOT / "bench"))
WORK = Path(os.environ.get("NOO_BENCH_WORK", ROOT / "bench" / "spark-work"))
HEAP = os.environ.get("NOO_BENCH_HEAP", "5g")
KINDS = ("nothing left out", "left-anti join, broadcast list", "noo_filter.spark.filter")


def one(kind: str, rows: int) -> None:
    """Run one job in this process, after a small one that loads the code of Spark."""
    from pyspark.sql import SparkSession
    from pyspark.sql import functions as F

    import noo_filter.spark

    session = (
        SparkSession.builder.master("local[2]")
        .config("spark.driver.memory", HEAP)
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.ui.enabled", "false")
        .config("spark.sql.autoBroadcastJoinThreshold", "-1")
        .config("spark.python.unix.domain.socket.enabled", "true")
        .getOrCreate()
    )
    session.sparkContext.setLogLevel("ERROR")

    def job(folder: str) -> None:
        df = session.read.parquet(folder)
        if kind == KINDS[1]:
            names = session.read.text(str(BENCH / "optouts.txt"))
            gone = names.select(F.col("value").alias("nhs_number"))
            df = df.join(F.broadcast(gone), "nhs_number", "left_anti")
        elif kind == KINDS[2]:
            df = noo_filter.spark.filter(
                df,
                "nhs_number",
                snapshot=BENCH / "optouts.noo",
                trusted_keys=BENCH / "bench.pub",
            )
        df.write.mode("overwrite").parquet(str(WORK / "out"))

    session.read.parquet(str(WORK / "warm")).write.mode("overwrite").parquet(str(WORK / "out"))
    started = time.monotonic()
    memory = Memory()
    job(str(WORK / str(rows)))
    seconds = time.monotonic() - started
    spent = memory.end()
    written = session.read.parquet(str(WORK / "out")).count()
    print("RESULT", seconds, spent.cpu, *spent.peak, written, flush=True)
    session.stop()


class Spent:
    """Processor seconds, and the highest memory in MiB: of all, of Java, of Python and of noo."""

    def __init__(self) -> None:
        self.cpu = 0.0
        self.peak = [0.0] * 4


class Memory(threading.Thread):
    """Samples the processes below this one."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.spent = Spent()
        self.stopped = threading.Event()
        self.first: dict[int, float] = {}
        self.last: dict[int, float] = {}
        self.sample(self.first)
        self.start()

    def sample(self, cpu: dict[int, float]) -> None:
        sums = [0.0] * 4
        for pid in below(os.getpid()):
            try:
                command = Path(f"/proc/{pid}/cmdline").read_bytes()
                stat = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
                rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
            except OSError:
                continue
            cpu[pid] = (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK")
            mib = next(int(li.split()[1]) for li in rollup.splitlines() if li.startswith("Pss:"))
            kind = 1 if b"java" in command.split(b"\0")[0] else 3 if b"verdicts" in command else 2
            sums[0] += mib / 1024
            sums[kind] += mib / 1024
        self.spent.peak = [max(a, b) for a, b in zip(self.spent.peak, sums, strict=True)]

    def run(self) -> None:
        while not self.stopped.wait(0.1):
            self.sample(self.last)

    def end(self) -> Spent:
        self.sample(self.last)
        self.stopped.set()
        self.join()
        self.spent.cpu = sum(self.last.values()) - sum(
            seconds for pid, seconds in self.first.items() if pid in self.last
        )
        return self.spent


def below(pid: int) -> list[int]:
    """This process and all below it."""
    found = [pid]
    for each in found:
        try:
            for task in Path(f"/proc/{each}/task").iterdir():
                found += [int(child) for child in (task / "children").read_text().split()]
        except OSError:
            continue
    return found


def prepare(sizes: list[int]) -> None:
    """Make extracts of these sizes from the one of make bench, in equal files."""
    import pyarrow.parquet as pq

    shutil.rmtree(WORK, ignore_errors=True)
    for name, rows in [("warm", 50_000), *((str(size), size) for size in sizes)]:
        (WORK / name).mkdir(parents=True)
        made = 0
        while made < rows:
            source = pq.ParquetFile(BENCH / "snappy.parquet")
            writer, held = None, 0
            for batch in source.iter_batches(125_000):
                if made == rows:
                    break
                batch = batch.slice(0, rows - made)
                if writer is None:
                    writer = pq.ParquetWriter(WORK / name / f"{made:09}.parquet", batch.schema)
                writer.write_batch(batch)
                made, held = made + batch.num_rows, held + batch.num_rows
                if held >= 1_250_000:
                    writer.close()
                    writer, held = None, 0
            if writer is not None:
                writer.close()


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    sizes = [int(records) for records in sys.argv[2:]] or [5_000_000, 20_000_000]
    prepare(sizes)
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT / "python" / "src"),
        "PYSPARK_PYTHON": sys.executable,
        "SPARK_LOCAL_IP": "127.0.0.1",
        "SPARK_LOCAL_DIRS": str(WORK / "local"),
        "NOO_PROGRAM": os.environ.get("NOO_PROGRAM", str(ROOT / "bench" / "spark-noo")),
        "NOO_STATE_DIR": str(WORK / "state"),
    }
    for rows in sizes:
        results: dict[str, list[list[float]]] = {kind: [] for kind in KINDS}
        for _ in range(runs):
            for kind in KINDS:
                command = [sys.executable, __file__, "--one", kind, str(rows)]
                done = subprocess.run(command, env=environment, capture_output=True, text=True)
                line = [li for li in done.stdout.splitlines() if li.startswith("RESULT")]
                if done.returncode != 0 or not line:
                    raise SystemExit(done.stderr)
                results[kind].append([float(x) for x in line[0].split()[1:]])
                print(rows, kind, *line[0].split()[1:], file=sys.stderr, flush=True)
        if len({r[-1] for kind in KINDS[1:] for r in results[kind]}) != 1:
            raise SystemExit("the join and noo kept different records")
        base = statistics.median(r[1] for r in results[KINDS[1]])  # processor time: see docs
        print(f"\n{rows:,} records\n")
        print("| job | wall, s | min to max | processor, s | compared | Java, MiB | Python, noo |")
        print("|---|---|---|---|---|---|---|")
        for kind in KINDS:
            walls = sorted(r[0] for r in results[kind])
            wall = statistics.median(walls)
            cpu, java, python, noo = (
                statistics.median(r[i] for r in results[kind]) for i in (1, 3, 4, 5)
            )
            print(
                f"| {kind} | {wall:.1f} | {walls[0]:.1f} to {walls[-1]:.1f} | {cpu:.1f} | "
                f"{cpu / base:.2f} | {java:,.0f} | {python:,.0f}, {noo:,.0f} |"
            )
    shutil.rmtree(WORK)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        one(sys.argv[2], int(sys.argv[3]))
    else:
        main()
