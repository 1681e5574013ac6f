"""What filter and verdict give, beside verdicts in plain Python: on Spark, and on Spark Connect."""

from __future__ import annotations

import contextlib
import io
import os
import re
import shutil
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from conftest import CONNECT, Cluster, Extract, People
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, Observation, SparkSession
from pyspark.sql import functions as F

import noo_filter.spark
from noo_filter import SnapshotError, UsageError
from noo_filter.errors import InputError

WORDS = ["kept", "opted_out", "missing", "invalid", "unchecked"]


@pytest.fixture()
def df(spark: SparkSession, small: Extract) -> DataFrame:
    # The mother's number is in a column that has no name of an NHS number.
    return spark.read.parquet(str(small.folder))


def rows(df: DataFrame) -> list[tuple[Any, ...]]:
    return sorted(tuple(row) for row in df.collect())


def as_rows(records: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    return sorted(tuple(record.values()) for record in records)


def plan(df: DataFrame) -> str:
    with contextlib.redirect_stdout(io.StringIO()) as said:
        df.explain()
    return said.getvalue()


@pytest.mark.parametrize("columns", ["nhs_number", ["nhs_number", "mother"]])
def test_filter(df: DataFrame, small: Extract, people: People, columns: Any) -> None:
    named = [columns] if isinstance(columns, str) else columns
    found = [people.verdict(*(r[c] for c in named)) for r in small.records]
    counts = Observation()
    kept = noo_filter.spark.filter(df, columns, observation=counts, **people.settings)
    assert kept.columns == df.columns
    want = [r for r, word in zip(small.records, found, strict=True) if word == "kept"]
    assert rows(kept) == as_rows(want)
    by_word = Counter(found)
    assert counts.get == {
        "read": len(found),
        **{word: by_word[word] for word in WORDS},
        "written": by_word["kept"],
    }
    assert min(by_word[word] for word in WORDS[:4]) > 50
    # The same without counts.
    assert rows(noo_filter.spark.filter(df, columns, **people.settings)) == as_rows(want)


def test_verdict(df: DataFrame, small: Extract, people: People) -> None:
    both = df.select(
        "id",
        noo_filter.spark.verdict("nhs_number", **people.settings),
        noo_filter.spark.verdict(F.col("mother"), F.col("nhs_number"), **people.settings).alias(
            "m"
        ),
    )
    assert both.columns == ["id", "verdict", "m"]
    want = [
        (r["id"], people.verdict(r["nhs_number"]), people.verdict(r["mother"], r["nhs_number"]))
        for r in small.records
    ]
    assert rows(both) == want


def test_unchecked(df: DataFrame, small: Extract, people: People, tmp_path: Path) -> None:
    """Nobody but those in a local snapshot is known: everybody else is unchecked."""
    people.build("local.noo", None, "--scope", "local", "--force")
    counts = Observation()
    settings = {**people.settings, "snapshot": people.folder / "local.noo"}
    kept = noo_filter.spark.filter(df, "nhs_number", observation=counts, **settings)
    assert kept.count() == 0
    found = Counter(people.verdict(r["nhs_number"]) for r in small.records)
    assert counts.get["unchecked"] == found["kept"]
    assert counts.get["opted_out"] == found["opted_out"]
    stopped = noo_filter.spark.filter(df, "nhs_number", unchecked="fail", **settings)
    with pytest.raises(PySparkException, match="a record is unchecked, and the policy is"):
        stopped.collect()


def test_types(spark: SparkSession, people: People) -> None:
    """NHS numbers in other types than text, and columns that Python cannot have."""
    here, gone = next(n for n in people.all if n not in people.gone), min(people.gone)
    table = [(i, n) for i, n in enumerate([here, gone, None, "9" * 10, gone, here])]
    text = spark.createDataFrame(table, "id int, n string")
    want = [people.verdict(n) for _, n in table]
    for kind in [
        "string",
        "bigint",
        "decimal(10,0)",
        "decimal(38,0)",
        "double",
        "varchar(10)",
        "struct<v:string>",
        "array<string>",
        "array<bigint>",
        "map<string,string>",
    ]:
        if kind.startswith("struct"):
            value = F.struct(F.col("n").alias("v"))
        elif kind.startswith("array"):
            value = F.array(F.lit(None), F.col("n"))
        elif kind.startswith("map"):
            value = F.create_map(F.lit("a"), F.col("n"))
        else:
            value = F.col("n")
        typed = text.select("id", value.cast(kind).alias("number"), F.expr("interval 1 day"))
        name = {"struct": "number.v", "map": "number"}.get(kind.split("<")[0], "number")
        if kind.startswith("map"):
            # The keys are texts too, and so columns with values.
            typed = typed.select("id", F.map_values("number").alias("number"))
        kept = noo_filter.spark.filter(typed, name, **people.settings)
        assert [r["id"] for r in kept.orderBy("id").collect()] == [
            i for i, word in enumerate(want) if word == "kept"
        ], kind
    assert (
        Decimal(here)
        == typed.sparkSession.createDataFrame([(here,)], "n string")
        .select(F.col("n").cast("decimal(10,0)"))
        .first()[0]
    )


def test_no_text(spark: SparkSession, people: People) -> None:
    """Bytes in a column of texts that are no text are no NHS number."""
    broken = spark.sql("select cast(X'FF39FE' as string) as n union all select 'x'")
    found = broken.select(noo_filter.spark.verdict("n", **people.settings)).collect()
    assert [row["verdict"] for row in found] == ["invalid", "invalid"]


def test_refused_types(spark: SparkSession, people: People) -> None:
    """A type that holds no NHS number is refused before a job starts."""
    typed = spark.sql("select true as flag, date'2026-01-01' as day, X'00' as bytes")
    for name in "flag", "day":
        with pytest.raises(InputError, match=f"{name}.*noo cannot filter by a column of type"):
            noo_filter.spark.filter(typed, name, **people.settings)
    with pytest.raises(UsageError, match="there is no column nobody"):
        noo_filter.spark.filter(typed, "nobody", **people.settings)
    with pytest.raises(UsageError, match="no column"):
        noo_filter.spark.filter(typed, [], **people.settings)
    with pytest.raises(UsageError, match="no column"):
        noo_filter.spark.verdict(**people.settings)


def test_second_column(df: DataFrame, people: People) -> None:
    """Another column that is named like an NHS number is named, or allowed."""
    two = df.select("*", df.mother.alias("Mother_NHS_Number"), F.struct("nhs_number").alias("s"))
    with pytest.raises(UsageError, match=r"Mother_NHS_Number, s\.nhs_number are named like an NHS"):
        noo_filter.spark.filter(two, "nhs_number", **people.settings)
    with pytest.raises(UsageError, match=r"s\.nhs_number is named like an NHS"):
        noo_filter.spark.filter(two, ["nhs_number", "mother_nhs_number"], **people.settings)
    allowed = ["mother_nhs_number", "s"]
    kept = noo_filter.spark.filter(two, "nhs_number", allow_columns=allowed, **people.settings)
    all_named = ["nhs_number", "mother_nhs_number", "s.nhs_number"]
    fewer = noo_filter.spark.filter(two, all_named, **people.settings)
    assert 0 < fewer.count() < kept.count()


def test_odd_names(spark: SparkSession, people: People) -> None:
    """Names with dots, and a name that filter would have used itself."""
    gone = min(people.gone)
    odd = spark.createDataFrame(
        [(1, gone, 2), (2, None, 3)], "noo_verdict int, `a.b` string, x int"
    )
    counts = Observation()
    kept = noo_filter.spark.filter(
        odd, "`a.b`", missing="keep", observation=counts, **people.settings
    )
    assert rows(kept) == [(2, None, 3)]
    assert counts.get["opted_out"] == 1


def test_names_that_are_several(spark: SparkSession, people: People) -> None:
    """A name that stands for two columns names neither: Spark would send only one of them."""
    gone = min(people.gone)
    for schema, row, name in (
        ("mother string, `mother.nhs_number` string", (None, gone), "mother"),
        ("a struct<nhs_number:string>, `a.nhs_number` string", ((None,), gone), "a.nhs_number"),
        ("a struct<nhs_number:string>, `a.nhs_number` string", ((None,), gone), "`a.nhs_number`"),
        ("a struct<b:string,`b.c`:string>", ((None, gone),), "a.b"),
    ):
        two = spark.createDataFrame([row], schema)
        with pytest.raises(UsageError, match="may be several columns"):
            noo_filter.spark.filter(two, name, **people.settings)
        with pytest.raises(UsageError, match="may be several columns"):
            noo_filter.spark.filter(
                two.withColumn("nhs", F.lit(gone)), "nhs", allow_columns=name, **people.settings
            )


def test_identifying_columns_alone(df: DataFrame, people: People) -> None:
    """Spark sends the identifying columns to Python, once, and no other."""
    counted = noo_filter.spark.filter(
        df, ["nhs_number", "mother"], observation=Observation(), **people.settings
    )
    plain = noo_filter.spark.filter(df, ["nhs_number", "mother"], **people.settings)
    by_hand = df.where(
        noo_filter.spark.verdict("nhs_number", "mother", **people.settings) == "kept"
    ).where("ward = 'A'")
    for each in counted, plain, by_hand:
        calls = re.findall(r"ArrowEvalPython \[(.*?)\)#\d+\]", plan(each))
        assert len(calls) == 1
        assert re.fullmatch(r"noo_verdict\(nhs_number#\d+L?, mother#\d+L?", calls[0]), calls


def test_one_process_for_a_worker(df: DataFrame, people: People, cluster: Cluster) -> None:
    """Many tasks, columns and queries, and one noo in each Python worker."""
    people.build("mine.noo", None, "--force")  # a snapshot that no process answers from yet
    settings = {**people.settings, "snapshot": people.folder / "mine.noo"}
    before = len(cluster.noos())
    for _ in range(3):
        many = df.repartition(12)
        assert noo_filter.spark.filter(many, "nhs_number", **settings).count() > 0
        two = [noo_filter.spark.verdict(c, **settings).alias(c) for c in ("nhs_number", "mother")]
        assert many.select(*two).where("nhs_number = 'kept' and mother = 'missing'").count() > 0
    started = cluster.noos()[before:]
    parents = [parent for _, parent in started]
    assert len(set(parents)) == len(parents)
    assert 1 <= len(started) < 12  # Spark ends idle workers; the tasks are more than 72


@pytest.mark.parametrize("word", ["missing", "invalid"])
def test_fail(df: DataFrame, people: People, cluster: Cluster, word: str, tmp_path: Path) -> None:
    """A policy fail stops the job: nothing is committed, and nobody prints a number."""
    kept = noo_filter.spark.filter(df, "nhs_number", **{word: "fail"}, **people.settings)
    with pytest.raises(PySparkException, match=f"a record is {word}, and the policy is") as raised:
        kept.write.parquet(str(tmp_path / "out"))
    assert not list((tmp_path / "out").glob("*.parquet"))
    assert not (tmp_path / "out" / "_SUCCESS").exists()
    said = str(raised.value) + cluster.said()
    assert f"DisclosureError: a record is {word}" in said
    numbers = set(re.findall(r"\d{10}", said)) | {
        re.sub(r"\D", "", n) for n in re.findall(r"\d{3}[ -]\d{3}[ -]\d{4}", said)
    }
    assert not numbers & set(people.all)
    one = noo_filter.spark.verdict("nhs_number", **{word: "fail"}, **people.settings)
    with pytest.raises(PySparkException, match=f"a record is {word}, and the policy is"):
        df.select(one).collect()


def test_policies(df: DataFrame, small: Extract, people: People) -> None:
    kept = noo_filter.spark.filter(df, "nhs_number", missing="keep", **people.settings)
    want = [r for r in small.records if people.verdict(r["nhs_number"]) in ("kept", "missing")]
    assert rows(kept) == as_rows(want)
    with pytest.raises(UsageError, match='invalid="keep" is refused'):
        noo_filter.spark.filter(df, "nhs_number", invalid="keep", **people.settings)
    with pytest.raises(UsageError, match="unchecked"):
        noo_filter.spark.filter(df, "nhs_number", unchecked="keep", **people.settings)
    with pytest.raises(UsageError, match="missing"):
        noo_filter.spark.filter(df, "nhs_number", missing="sometimes", **people.settings)


def test_policy_of_the_environment(
    df: DataFrame, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The driver's environment says what its calls leave open."""
    monkeypatch.setenv("NOO_MISSING", "fail")
    with pytest.raises(PySparkException, match="a record is missing"):
        noo_filter.spark.filter(df, "nhs_number", **people.settings).collect()
    monkeypatch.setenv("NOO_INVALID", "keep")
    with pytest.raises(UsageError, match='invalid="keep" is refused'):
        noo_filter.spark.filter(df, "nhs_number", **people.settings)


def test_refused_snapshot(df: DataFrame, people: People, tmp_path: Path) -> None:
    """The driver refuses a snapshot before a job starts."""
    damaged = tmp_path / "damaged.noo"
    content = bytearray((people.folder / "optouts.noo").read_bytes())
    content[len(content) // 2] ^= 1
    damaged.write_bytes(content)
    for make in (
        lambda s: noo_filter.spark.filter(df, "nhs_number", **s),
        lambda s: noo_filter.spark.verdict("nhs_number", **s),
    ):
        with pytest.raises(SnapshotError):
            make({**people.settings, "snapshot": damaged})
        with pytest.raises(SnapshotError):
            make({**people.settings, "min_sequence": 2**52})


def test_executors_verify(df: DataFrame, people: People) -> None:
    """An executor refuses a snapshot that is damaged there, or another one."""
    people.build("moving.noo", None, "--force")
    settings = {**people.settings, "snapshot": people.folder / "moving.noo"}
    kept = noo_filter.spark.filter(df, "nhs_number", **settings)
    good = (people.folder / "moving.noo").read_bytes()
    damaged = bytearray(good)
    damaged[len(damaged) // 2] ^= 1
    (people.folder / "moving.noo").write_bytes(damaged)
    with pytest.raises(PySparkException, match="SnapshotError"):
        kept.count()
    os.remove(people.folder / "moving.noo")
    with pytest.raises(PySparkException, match=r"noo_filter\.errors.*moving\.noo"):
        kept.count()
    people.build("moving.noo", frozenset(people.all[:7]))
    with pytest.raises(PySparkException, match="not the one that the driver verified"):
        kept.count()
    (people.folder / "moving.noo").write_bytes(good)


def test_replaced_snapshot(df: DataFrame, small: Extract, people: People) -> None:
    """A new plan has the new snapshot, and an old one never has it."""
    path = people.build("daily.noo", None, "--force")
    settings = {**people.settings, "snapshot": path}
    yesterday = noo_filter.spark.filter(df, "nhs_number", **settings)
    assert yesterday.count() == sum(
        people.verdict(r["nhs_number"]) == "kept" for r in small.records
    )
    fewer = People(people.all, people.gone | set(people.all[:900]), people.folder)
    people.build("daily.noo", fewer.gone, "--force")
    today = noo_filter.spark.filter(df, "nhs_number", **settings)
    assert today.count() == sum(fewer.verdict(r["nhs_number"]) == "kept" for r in small.records)


def test_shipped(spark: SparkSession, df: DataFrame, people: People, tmp_path: Path) -> None:
    """Spark brings the snapshot and the key to the executors."""
    people.build("shipped.noo", None, "--force")
    shutil.move(people.folder / "shipped.noo", tmp_path / "shipped.noo")
    shutil.copy(people.folder / "publisher.pub", tmp_path / "shipped.pub")
    files = [str(tmp_path / "shipped.noo"), str(tmp_path / "shipped.pub")]
    # Spark serves the executors from here.
    served = shutil.copytree(tmp_path, tmp_path / "served")
    for name in "shipped.noo", "shipped.pub":
        if CONNECT:
            spark.addArtifact(str(served / name), file=True)
        else:
            spark.sparkContext.addFile(str(served / name))
    kept = noo_filter.spark.filter(
        df, "nhs_number", snapshot=files[0], trusted_keys=files[1], shipped=True
    )
    for file in files:  # the executors take those that were shipped
        os.remove(file)
    assert rows(kept) == rows(noo_filter.spark.filter(df, "nhs_number", **people.settings))
    with pytest.raises(UsageError, match="same name"):
        noo_filter.spark.filter(
            df, "nhs_number", snapshot=["a/x.noo", "b/x.noo"], trusted_keys=files[1], shipped=True
        )
    with pytest.raises(UsageError, match="shipped=True wants the name"):
        noo_filter.spark.verdict("nhs_number", shipped=True)


def test_limit(df: DataFrame, people: People) -> None:
    """A query that stops early leaves no process in the middle of an answer."""
    kept = noo_filter.spark.filter(df, "nhs_number", **people.settings)
    want = set(rows(kept))
    for n in 1, 7, 1200:
        some = kept.limit(n).collect()
        assert len(some) == n
        assert {tuple(row) for row in some} <= want
    assert rows(kept) == sorted(want)
