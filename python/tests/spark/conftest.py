"""A cluster of Spark on this machine, people made up from a seed, and verdicts in plain Python."""

from __future__ import annotations

import os
import random
import re
import shutil
import signal
import socket
import string
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

SOURCE = Path(__file__).resolve().parents[2] / "src"
CONNECT = os.environ.get("NOO_SPARK_MODE") == "connect"
SEEDED = 11


def number(r: random.Random) -> str:
    """A valid NHS number of the range that is never issued."""
    while True:
        digits = "9" + "".join(r.choices(string.digits, k=8))
        check = 11 - sum(int(d) * w for d, w in zip(digits, range(10, 1, -1), strict=True)) % 11
        if check != 10:
            return digits + str(check % 11)


@dataclass(frozen=True)
class People:
    """People, those of them who opted out, and the snapshot that says so."""

    all: list[str]
    gone: frozenset[str]
    folder: Path

    @property
    def settings(self) -> dict[str, Any]:
        """The keywords that name the snapshot."""
        return {
            "snapshot": self.folder / "optouts.noo",
            "trusted_keys": self.folder / "publisher.pub",
        }

    def build(self, name: str, gone: frozenset[str] | None = None, *flags: str) -> Path:
        """Build another snapshot, which replaces one of the same name."""
        chosen = self.gone if gone is None else gone
        (self.folder / "list.txt").write_text("".join(n + "\n" for n in sorted(chosen)))
        # One sequence: none of them is older than another that was used on this machine.
        made = ["-o", name, "--key", "publisher.key", "--sequence", "7"]
        self.run("snapshot", "build", "list.txt", *made, *flags)
        return self.folder / name

    def run(self, *arguments: str) -> None:
        command = [os.environ["NOO_PROGRAM"], *arguments]
        subprocess.run(command, check=True, cwd=self.folder, capture_output=True)

    def verdict(self, *values: object) -> str:
        """The verdict on a record, by the rules of docs/formats.md, read anew here."""
        found = {self._verdict(value) for value in values}
        for word in "opted_out", "invalid", "kept":
            if word in found:
                return word
        return "missing"

    def _verdict(self, value: object) -> str:
        text = "" if value is None else str(value).strip()
        if text.upper() in ("", "NULL", "NA", "N/A", "NAN", "NONE", "-"):
            return "missing"
        form = re.fullmatch(r"(\d{10})|(\d{3})([ -])(\d{3})\3(\d{4})", text, re.ASCII)
        if form is None:
            return "invalid"
        digits = re.sub("[ -]", "", text)
        total = sum(int(d) * w for d, w in zip(digits, range(10, 0, -1), strict=True))
        if total % 11 != 0 or len(set(digits)) == 1:
            return "invalid"
        return "opted_out" if digits in self.gone else "kept"

    def draw(self, r: random.Random) -> str | None:
        """A value of a column of NHS numbers, in one of its forms."""
        if r.random() < 0.06:
            return r.choice([None, "", " ", "NULL", "n/a"])
        if r.random() < 0.04:
            return r.choice(["nobody", self.all[0][:9], "9" * 10, "١٢٣٤٥٦٧٨٩٠"])
        n = r.choice(self.all)
        grouped = n[:3], n[3:6], n[6:]
        return r.choice([n, n, n, n, n, " ".join(grouped), "-".join(grouped), f" {n} "])


@pytest.fixture(scope="session")
def people(tmp_path_factory: pytest.TempPathFactory) -> People:
    """5,000 people, of whom 300 opted out."""
    for name in [n for n in os.environ if n.startswith("NOO_") and n != "NOO_PROGRAM"]:
        if not name.startswith("NOO_SPARK_"):
            del os.environ[name]
    os.environ["NOO_PROGRAM"] = os.path.abspath(os.environ["NOO_PROGRAM"])
    os.environ["NOO_STATE_DIR"] = str(tmp_path_factory.mktemp("state"))
    r = random.Random(SEEDED)
    numbers = list(dict.fromkeys(number(r) for _ in range(5000)))
    made = People(numbers, frozenset(r.sample(numbers, 300)), tmp_path_factory.mktemp("publisher"))
    made.run("key", "generate", "--name", "publisher", "--no-password")
    made.build("optouts.noo")
    return made


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port: int = s.getsockname()[1]
        return port


def wait_for(what: str, holds: Any, seconds: float = 120) -> Any:
    """Wait until something holds, and return it."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = holds()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError(f"{what}: not within {seconds} s")


def accepts(port: int) -> bool:
    with socket.socket() as s:
        return s.connect_ex(("127.0.0.1", port)) == 0


def command_of(pid: int) -> bytes:
    """The command line of a process, empty if it ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


@dataclass
class Cluster:
    """A master and two workers of one core, on the loopback interface."""

    folder: Path
    port: int = field(default_factory=free_port)
    running: list[subprocess.Popen[bytes]] = field(default_factory=list)
    started: int = 0

    @property
    def url(self) -> str:
        return f"spark://127.0.0.1:{self.port}"

    @property
    def home(self) -> Path:
        import pyspark

        return Path(pyspark.__file__).parent

    @property
    def starts(self) -> Path:
        """A file with the process id of each noo that an executor started, and of its parent."""
        return self.folder / "starts"

    def environment(self) -> dict[str, str]:
        """The environment of all parts: executors inherit it from their worker."""
        return {
            **os.environ,
            "SPARK_HOME": str(self.home),
            "SPARK_LOCAL_DIRS": str(self.folder / "local"),
            "SPARK_MASTER_OPTS": "-Dspark.master.rest.enabled=false",
            "SPARK_DAEMON_MEMORY": "512m",
            "PYSPARK_PYTHON": sys.executable,
            "PYTHONPATH": str(SOURCE),
            "NOO_PROGRAM": str(self.folder / "noo"),
        }

    def launch(
        self, program: str, *arguments: str, host: str = "127.0.0.1"
    ) -> subprocess.Popen[bytes]:
        """Start a part of Spark, which writes what it says to a file."""
        self.started += 1
        with open(self.folder / f"{self.started}.log", "wb") as log:
            process = subprocess.Popen(
                [str(self.home / "bin" / program), *arguments],
                stdout=log,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                env={**self.environment(), "SPARK_LOCAL_IP": host},
                cwd=self.folder,
                start_new_session=True,
            )
        self.running.append(process)
        return process

    def start(self) -> None:
        program = self.folder / "noo"
        program.write_text(
            f'#!/bin/sh\necho "$$ $PPID" >> {self.starts}\nexec {os.environ["NOO_PROGRAM"]} "$@"\n'
        )
        program.chmod(0o755)
        self.starts.write_text("")
        where = ["--host", "127.0.0.1", "--port", str(self.port), "--webui-port", "0"]
        self.launch("spark-class", "org.apache.spark.deploy.master.Master", *where)
        wait_for("the master listens", lambda: accepts(self.port))
        for host in "127.0.0.1", "127.0.0.2":
            self.start_worker(host)

    def start_worker(self, host: str) -> subprocess.Popen[bytes]:
        """Start a worker. Spark runs no second attempt of a task on the host of the first."""
        folder = str(self.folder / f"worker-{self.started}")
        flags = ["--host", host, "--webui-port", "0", "--cores", "1", "--memory", "1g"]
        flags += ["--work-dir", folder, self.url]
        worker = "org.apache.spark.deploy.worker.Worker"
        return self.launch("spark-class", worker, *flags, host=host)

    def stop(self) -> None:
        for process in reversed(self.running):
            process.terminate()
        for process in self.running:
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        self.running.clear()

    def noos(self) -> list[tuple[int, int]]:
        """The process ids of all noos that executors have started, with those of their parents."""
        lines = self.starts.read_text().splitlines()
        return [(int(pid), int(parent)) for pid, parent in map(str.split, lines)]

    def living(self) -> list[tuple[int, int]]:
        """Those that run still. The system may have given the id of one that ended to another."""
        return [
            (pid, parent)
            for pid, parent in self.noos()
            if b"verdicts" in command_of(pid) and b"pyspark" in command_of(parent)
        ]

    def said(self) -> str:
        """All that the parts of the cluster have written, executors included."""
        logs = [*self.folder.glob("*.log"), *self.folder.glob("worker-*/*/*/std*")]
        return "\n".join(log.read_text(errors="replace") for log in logs)


@pytest.fixture(scope="session")
def cluster(people: People, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    made = Cluster(tmp_path_factory.mktemp("cluster"))
    try:
        made.start()
        yield made
    finally:
        made.stop()
        # What a killed executor left behind ends by itself: its pipes are closed.
        wait_for(
            "all noos end", lambda: not any(b"verdicts" in command_of(p) for p, _ in made.noos())
        )
        shutil.rmtree(made.folder / "local", ignore_errors=True)


CONF = {
    "spark.cores.max": "2",
    "spark.executor.cores": "1",
    "spark.executor.memory": "768m",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.ui.enabled": "false",
    "spark.sql.shuffle.partitions": "4",
    "spark.speculation": "true",
    "spark.speculation.quantile": "0.5",
    "spark.speculation.multiplier": "1.1",
}
TABLES = {
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension,"
    "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
    "spark.sql.catalog.ice": "org.apache.iceberg.spark.SparkCatalog",
    "spark.sql.catalog.ice.type": "hadoop",
}


@pytest.fixture(scope="session")
def spark(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    """A session on the cluster: of Connect, if NOO_SPARK_MODE says so."""
    from pyspark.sql import SparkSession

    warehouse = tmp_path_factory.mktemp("warehouse")
    os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"
    os.environ["PYSPARK_PYTHON"] = sys.executable
    builder = SparkSession.builder
    if CONNECT:
        port = free_port()
        flags = ["--master", cluster.url]
        flags += ["--class", "org.apache.spark.sql.connect.service.SparkConnectServer"]
        for key, value in {
            **CONF,
            "spark.connect.grpc.binding.address": "127.0.0.1",
            "spark.connect.grpc.binding.port": str(port),
        }.items():
            flags += ["--conf", f"{key}={value}"]
        server = cluster.launch("spark-submit", *flags, "spark-internal")
        wait_for("the Connect server listens", lambda: accepts(port))
        session = builder.remote(f"sc://127.0.0.1:{port}").getOrCreate()
        try:
            yield session
            session.stop()
        finally:
            server.terminate()
        return
    jars = sorted(Path(os.environ["NOO_SPARK_JARS"]).glob("*.jar"))
    conf = {
        **CONF,
        **TABLES,
        "spark.sql.catalog.ice.warehouse": str(warehouse / "ice"),
        "spark.sql.warehouse.dir": str(warehouse / "hive"),
        "spark.jars": ",".join(map(str, jars)),
    }
    for key, value in conf.items():
        builder = builder.config(key, value)
    session = builder.master(cluster.url).appName("noo").getOrCreate()
    yield session
    session.stop()


@dataclass(frozen=True)
class Extract:
    """A dataset as records, and as Parquet files in a folder."""

    records: list[dict[str, Any]]
    folder: Path


def extract(people: People, folder: Path, files: int, each: int, seed: int = SEEDED) -> Extract:
    """Write an extract with a number for the mother, and columns that noo never sees."""
    import pyarrow.parquet as pq

    r = random.Random(seed)
    folder.mkdir(parents=True)
    records = []
    for part in range(files):
        rows = [
            {
                "id": part * each + i,
                "nhs_number": people.draw(r),
                "ward": r.choice("ABCDEF"),
                "mother": people.draw(r) if r.random() < 0.2 else None,
                "note": f"note {r.random()}",
            }
            for i in range(each)
        ]
        schema = pa.schema(
            [
                ("id", pa.int64()),
                ("nhs_number", pa.string()),
                ("ward", pa.string()),
                ("mother", pa.string()),
                ("note", pa.string()),
            ]
        )
        pq.write_table(pa.Table.from_pylist(rows, schema), folder / f"part-{part:03}.parquet")
        records += rows
    return Extract(records, folder)


@pytest.fixture(scope="session")
def small(people: People, tmp_path_factory: pytest.TempPathFactory) -> Extract:
    """8 files of 1,500 records."""
    return extract(people, tmp_path_factory.mktemp("small") / "extract", 8, 1500)
