"""The Python of docs/spark.md, run from top to bottom."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from conftest import CONNECT, Extract, People
from pyspark.sql import SparkSession

PAGE = Path(__file__).resolve().parents[3] / "docs" / "spark.md"
TABLE = "parquet" if CONNECT else "delta"


def test_page(
    spark: SparkSession,
    people: People,
    small: Extract,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shutil.copytree(small.folder, tmp_path / "extract")
    shutil.copy(people.folder / "optouts.noo", tmp_path)
    shutil.copy(people.folder / "publisher.pub", tmp_path)
    monkeypatch.chdir(tmp_path)
    spark.sql("DROP TABLE IF EXISTS visits")
    spark.read.parquet(str(small.folder)).write.format(TABLE).saveAsTable("visits")
    # Spark looks for relative paths where its own program runs: on Connect that is elsewhere.
    page = re.sub(
        r'(spark\.read|\.write|mode\("overwrite"\))\.parquet\("(\w+)"\)',
        lambda m: f'{m[1]}.parquet("{tmp_path / m[2]}")',
        PAGE.read_text(),
    )
    page = page.replace("addArtifact(file,", f"addArtifact('{tmp_path}/' + file,")
    if CONNECT:  # its server has no Delta Lake
        page = re.sub(r"\.writeTo\((.*?)\).*", r".write.saveAsTable(\1)", page)
    blocks = re.findall(r"^```python\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)
    assert len(blocks) == 6
    names: dict[str, Any] = {"spark": spark}
    for block in blocks:
        exec(block, names)

    def kept(*columns: str) -> list[int]:
        return sorted(
            r["id"] for r in small.records if people.verdict(*(r[c] for c in columns)) == "kept"
        )

    want = kept("nhs_number")
    for each, ids in [
        (spark.read.parquet(str(tmp_path / "clean")), want),
        (spark.table("visits_clean"), want),
        (spark.read.parquet(str(tmp_path / "clean_dask")), kept("nhs_number", "mother")),
    ]:
        assert sorted(row["id"] for row in each.select("id").collect()) == ids
    assert names["counts"].get["written"] == len(want)
    spark.sql("DROP TABLE visits")
    spark.sql("DROP TABLE visits_clean")
