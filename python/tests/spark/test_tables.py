"""Tables whose folders hold deleted rows: Spark reads them, and the rows do not come back."""

from __future__ import annotations

import random

import pytest
from conftest import SEEDED, People
from pyspark.sql import DataFrame, Observation, SparkSession

import noo_filter.spark

DELTA = (
    "USING delta TBLPROPERTIES ('delta.enableDeletionVectors' = 'true', "
    "'delta.columnMapping.mode' = 'name')"
)
ICEBERG = (
    "USING iceberg TBLPROPERTIES ('format-version' = '2', 'write.delete.mode' = 'merge-on-read', "
    "'write.update.mode' = 'merge-on-read')"
)


@pytest.mark.parametrize(
    ("table", "created", "marks"),
    [
        ("spark_catalog.default.visits", DELTA, "deletion_vector_*.bin"),
        ("ice.default.visits", ICEBERG, "*-deletes.parquet"),
    ],
)
def test_table(spark: SparkSession, people: People, table: str, created: str, marks: str) -> None:
    r = random.Random(SEEDED)
    records = {i: people.draw(r) for i in range(3000)}
    spark.sql(f"CREATE TABLE {table} (id INT, nhs_number STRING, ward STRING) {created}")
    rows = [(i, number, r.choice("AB")) for i, number in records.items()]
    source = spark.createDataFrame(rows, "id int, nhs_number string, ward string")
    source.coalesce(1).writeTo(table).append()
    # Rows that are in the files still, and no longer in the table.
    deleted = set(range(0, 3000, 7))
    spark.sql(f"DELETE FROM {table} WHERE id % 7 = 0")
    # Somebody gets the number of a person who opted out, and somebody loses it.
    for i, number in (1, min(people.gone)), (2, None):
        value = "NULL" if number is None else f"'{number}'"
        spark.sql(f"UPDATE {table} SET nhs_number = {value} WHERE id = {i}")
        records[i] = number
    # An older column, which the table has renamed.
    spark.sql(f"ALTER TABLE {table} RENAME COLUMN nhs_number TO patient")
    spark.sql(f"ALTER TABLE {table} ADD COLUMN note STRING")
    warehouse = spark.conf.get(
        "spark.sql.catalog.ice.warehouse" if table.startswith("ice") else "spark.sql.warehouse.dir"
    )
    assert list(_folder(warehouse).rglob(marks)), "the deleted rows are out of the files"

    counts = Observation()
    kept = noo_filter.spark.filter(
        spark.table(table), "patient", observation=counts, **people.settings
    )
    kept.writeTo(f"{table}_kept").using(created.split()[1]).create()
    want = sorted(i for i, n in records.items() if i not in deleted and people.verdict(n) == "kept")
    assert _ids(spark.table(f"{table}_kept")) == want
    if created == ICEBERG:  # Delta runs the query by itself, and the counts do not come back
        assert counts.get["read"] == len(records) - len(deleted)
        assert counts.get["written"] == len(want)
    assert _files_hold_nobody(spark, warehouse, people)


def _folder(warehouse: str):  # type: ignore[no-untyped-def]
    from pathlib import Path

    return Path(warehouse.removeprefix("file:"))


def _ids(df: DataFrame) -> list[int]:
    return sorted(row["id"] for row in df.select("id").collect())


def _files_hold_nobody(spark: SparkSession, warehouse: str, people: People) -> bool:
    """Report whether the files of the new table hold nobody who opted out."""
    files = [
        str(p)
        for p in _folder(warehouse).rglob("*.parquet")
        if "visits_kept" in str(p) and "metadata" not in str(p)
    ]
    assert files
    import pyarrow.parquet as pq

    for file in files:
        for column in pq.ParquetFile(file).read().columns:
            for value in column.to_pylist():
                if people.verdict(value) == "opted_out":
                    return False
    return True
