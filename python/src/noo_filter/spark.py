"""Apache Spark: verdicts as a column, and DataFrames without the records of people who opted out.

The identifying columns alone go to Python and noo. Spark's own operators filter. See docs/spark.md.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pyspark
from pyspark.sql import Column, DataFrame, Observation
from pyspark.sql import functions as F
from pyspark.sql import types as T

from ._settings import Path, Settings, as_list
from ._verdicts import VERDICTS, VerdictStream
from ._worker import Job
from .errors import InputError, NooError, ProgramError, UsageError

__all__ = ["filter", "verdict"]

_POLICIES = ("missing", "invalid", "unchecked")


def verdict(
    *columns: Column | str,
    snapshot: Path | Iterable[Path] | None = None,
    trusted_keys: Path | Iterable[Path] | None = None,
    identity: Path | Iterable[Path] | None = None,
    max_age: str | None = None,
    min_sequence: int | None = None,
    missing: str | None = None,
    invalid: str | None = None,
    unchecked: str | None = None,
    shipped: bool = False,
) -> Column:
    """Return the verdict on each record as a column of texts, never null.

    The verdicts are "kept", "opted_out", "missing", "invalid" and "unchecked". Keep the records
    whose verdict is "kept". All columns identify people: one number of somebody who opted out
    decides.

    noo verifies the snapshot here and now, and again on every executor, which must have the same
    snapshot. A policy "fail" stops the job at the first such record that Spark reads. Other
    policies change no verdict. With shipped, the executors take the snapshot and the trusted keys
    from the files that you gave Spark with addArtifact or addFile, by their base names.

    Raises an error of noo_filter.errors if noo refuses the settings or the snapshot here. An error
    on an executor fails the Spark job.
    """
    if not columns:
        raise UsageError("no column: name one that holds NHS numbers")
    settings = Settings(
        snapshot=snapshot,
        trusted_keys=trusted_keys,
        identity=identity,
        max_age=max_age,
        min_sequence=min_sequence,
        missing=missing,
        invalid=invalid,
        unchecked=unchecked,
    )
    job, _ = _plan(settings, shipped, pa.schema([("nhs_number", pa.string())]))
    words = F.array(*[F.lit(word) for word in VERDICTS])
    return F.element_at(words, _codes(job, columns) + F.lit(1)).alias("verdict")


def filter(
    df: DataFrame,
    columns: str | Sequence[str],
    *,
    snapshot: Path | Iterable[Path] | None = None,
    trusted_keys: Path | Iterable[Path] | None = None,
    identity: Path | Iterable[Path] | None = None,
    max_age: str | None = None,
    min_sequence: int | None = None,
    missing: str | None = None,
    invalid: str | None = None,
    unchecked: str | None = None,
    allow_columns: str | Sequence[str] = (),
    observation: Observation | None = None,
    shipped: bool = False,
) -> DataFrame:
    """Return a DataFrame with the records that may be disclosed.

    columns are the names of the columns that identify people; the name of a field in a struct is
    "struct.field". If another column is named like an NHS number, name it as well, or in
    allow_columns if it holds none. noo looks at the names alone: see docs/spark.md.

    observation gets the counts of the first action: read, kept, opted_out, missing, invalid,
    unchecked and written. The other arguments are those of verdict. missing="keep" keeps records
    without an NHS number. invalid="keep" is refused.

    Raises an error of noo_filter.errors if noo refuses the settings, the snapshot or the columns.
    """
    named = [columns] if isinstance(columns, str) else list(columns)
    if not named:
        raise UsageError("no column: name one that holds NHS numbers in columns")
    allowed = [allow_columns] if isinstance(allow_columns, str) else list(allow_columns)
    settings = Settings(
        snapshot=snapshot,
        trusted_keys=trusted_keys,
        identity=identity,
        max_age=max_age,
        min_sequence=min_sequence,
        missing=missing,
        invalid=invalid,
        unchecked=unchecked,
    )
    schema = pa.schema([_arrow_field(field) for field in df.schema.fields])
    flags = []
    for flag, names in ("--column", named), ("--allow-column", allowed):
        for name in names:
            # In one argument, a name that starts with a hyphen is no flag.
            flags += [f"{flag}={leaf}" for leaf in _leaves_of(name, schema)]
    try:
        job, policy = _plan(settings, shipped, schema, flags)
    except InputError as error:
        raise InputError(f"{', '.join(named)}: {error}", error.exit_code) from None

    code = _codes(job, [F.col(name) for name in named])
    kept = [VERDICTS.index("kept")]
    if policy["missing"] == "keep":
        kept.append(VERDICTS.index("missing"))
    if observation is None:
        return df.where(code.isin(kept))
    # Spark computes the column once, counts, and then filters: nothing moves past the counts.
    marked = df.select("*", code.alias(_unused_name(df)))
    code = F.col(_unused_name(df))
    counts = [F.count_if(code == number).alias(word) for number, word in enumerate(VERDICTS)]
    observed = marked.observe(
        observation,
        F.count(F.lit(1)).alias("read"),
        *counts,
        F.count_if(code.isin(kept)).alias("written"),
    )
    return observed.where(code.isin(kept)).drop(_unused_name(df))


def _plan(
    settings: Settings, shipped: bool, schema: pa.Schema, flags: Sequence[str] = ()
) -> tuple[Job, dict[str, str]]:
    """Return the job for the workers, and the policies that hold.

    noo looks at the snapshot and the columns here, as it would before a run of its own.
    """
    if shipped:
        if not as_list(settings.snapshot):
            raise UsageError("shipped=True wants the name of the snapshot: pass snapshot=")
        for paths in settings.snapshot, settings.trusted_keys:
            names = [os.path.basename(path) for path in as_list(paths)]
            if len(set(names)) < len(names):
                raise UsageError("two shipped files have the same name: rename one of them")
    else:
        # The executors run in folders of their own.
        settings = replace(
            settings,
            snapshot=_absolute(settings.snapshot),
            trusted_keys=_absolute(settings.trusted_keys),
        )
    settings = replace(settings, identity=_absolute(settings.identity))
    digests, policy = _preflight(settings, schema, flags)
    if policy["invalid"] == "keep":
        raise UsageError(
            'invalid="keep" is refused: an invalid value can still show the number of somebody who '
            "opted out, and a verdict does not tell which"
        )
    workers = replace(settings, **{name: None for name in _POLICIES})
    failing = tuple(name for name in _POLICIES if policy[name] == "fail")
    return Job(workers, digests, failing, shipped), policy


def _absolute(paths: Path | Iterable[Path] | None) -> list[str] | None:
    return [os.path.abspath(path) for path in as_list(paths)] or None


def _preflight(
    settings: Settings, schema: pa.Schema, flags: Sequence[str]
) -> tuple[tuple[str, ...], dict[str, str]]:
    """Return the SHA-256 of the snapshots, and the policies, of a run over no records."""
    with tempfile.TemporaryDirectory(prefix="noo-") as folder:
        report = os.path.join(folder, "report.json")
        try:
            with VerdictStream(schema, settings, report, flags):
                pass
        except NooError as error:
            message = str(error).removeprefix("stdin: ")
            raise type(error)(message, error.exit_code) from None
        try:
            with open(report, encoding="utf-8") as file:
                said: dict[str, Any] = json.load(file)
            used = said.get("snapshots") or [said["snapshot"]]
            digests = tuple(str(snapshot["sha256"]) for snapshot in used)
            policy = {name: str(said["policy"][name]) for name in _POLICIES}
        except (OSError, ValueError, LookupError, TypeError):
            raise ProgramError("noo wrote no report: install one version of noo-filter") from None
        return digests, policy


def _codes(job: Job, columns: Sequence[Column | str]) -> Column:
    """Return the column of the codes of verdicts, which the workers compute."""
    if not hasattr(F, "arrow_udf"):
        raise ProgramError(
            f"noo_filter.spark needs Spark 4.1, and this is {pyspark.__version__}: upgrade pyspark"
        )

    def codes(*identifying: pa.Array) -> pa.Array:
        from noo_filter import _worker

        return _worker.codes(job, identifying)

    codes.__name__ = "noo_verdict"
    codes.__annotations__ = {"identifying": pa.Array, "return": pa.Array}
    found: Column = F.arrow_udf(codes, T.ByteType())(*columns)
    return found


def _arrow_field(field: T.StructField) -> pa.Field:
    return pa.field(field.name, _arrow_type(field.dataType))


def _arrow_type(kind: T.DataType) -> pa.DataType:
    """Return the Arrow type in which Spark sends a column, or text for one that it cannot send."""
    from pyspark.sql.pandas.types import to_arrow_type

    if isinstance(kind, T.StructType):
        return pa.struct([_arrow_field(field) for field in kind.fields])
    if isinstance(kind, T.ArrayType):
        return pa.list_(pa.field("element", _arrow_type(kind.elementType)))
    if isinstance(kind, T.MapType):
        return pa.map_(_arrow_type(kind.keyType), _arrow_type(kind.valueType))
    try:
        return to_arrow_type(kind)
    except Exception:  # pyspark has an error class for it in each of its modes
        return pa.string()


def _leaves_of(name: str, schema: pa.Schema) -> list[str]:
    """Return the names, in noo, of the values in the column that Spark finds by a name."""
    plain = name.replace("`", "")
    for fold in str, str.lower:
        found = [
            (leaf, dotted)
            for leaf, dotted in _leaves(schema)
            if fold(leaf) == fold(plain) or fold(leaf).startswith(fold(plain) + ".")
        ]
        if len(found) > 1 and any(dotted for _, dotted in found):
            # Spark would send one of them, and noo would take all of them for named.
            raise UsageError(f"{name} may be several columns: rename those with a dot in the name")
        if found:
            return [leaf for leaf, _ in found]
    raise UsageError(f"there is no column {name}: the columns are {', '.join(schema.names)}")


def _leaves(schema: pa.Schema) -> list[tuple[str, bool]]:
    """Return the names of all columns with values, as noo calls them.

    With each goes whether the name of a column or field on the way to it has a dot: then the text
    does not tell which column it is.
    """
    found: list[tuple[str, bool]] = []

    def walk(name: str, dotted: bool, kind: pa.DataType) -> None:
        if pa.types.is_struct(kind):
            for place in range(kind.num_fields):
                part = kind.field(place)
                walk(f"{name}.{part.name}", dotted or "." in part.name, part.type)
        elif pa.types.is_map(kind):
            for part in kind.key_field, kind.item_field:
                walk(f"{name}.entries.{part.name}", dotted, part.type)
        elif pa.types.is_list(kind):
            walk(f"{name}.{kind.value_field.name}", dotted, kind.value_type)
        else:
            found.append((name, dotted))

    for field in schema:
        walk(field.name, "." in field.name, field.type)
    return found


def _unused_name(df: DataFrame) -> str:
    """Return the name of a column that df has not."""
    name = "noo_verdict"
    while name.lower() in (column.lower() for column in df.columns):
        name += "_"
    return name
