"""Relations of DuckDB."""

from __future__ import annotations

import gc

import duckdb
import pyarrow as pa
import pytest

import noo_filter
import noo_filter.duckdb


@pytest.fixture
def connection(people):
    with duckdb.connect() as connection:
        connection.execute("create table patients (i int, nhs_number text, ward text)")
        rows = [(i, n, f"ward {i % 3}") for i, n in enumerate(people.all)]
        connection.executemany("insert into patients values (?, ?, ?)", rows)
        yield connection


def _places(connection, name="clean"):
    return [i for (i,) in connection.execute(f'select i from "{name}" order by i').fetchall()]


def test_register(people, connection):
    want = [i for i, n in enumerate(people.all) if n not in people.gone]
    for relation in (
        connection.table("patients"),
        "from patients",
        "select * replace (ward::enum('ward 0', 'ward 1', 'ward 2', 'no') as ward) from patients",
    ):
        report = noo_filter.duckdb.register(connection, "clean", relation)
        gc.collect()
        assert _places(connection) == want
        assert (report.read, report.written) == (len(people.all), len(want))
    assert _places(connection, "patients") == list(range(len(people.all)))
    noo_filter.duckdb.register(connection, 'odd "name";', "from clean")
    connection.unregister("clean")
    assert len(connection.execute('from "odd ""name"";"').fetchall()) == len(want)


def test_filter_of_a_relation(people, connection):
    result, _ = noo_filter.filter(connection.sql("from patients order by i"))
    assert isinstance(result, pa.Table)
    assert result["nhs_number"].to_pylist() == people.here
    assert len(noo_filter.verdicts(connection.sql("select nhs_number from patients"))) == len(
        people.all
    )
    connection.sql("select 1").fetchall()  # The connection is free again.


def test_names_that_are_taken(connection):
    connection.execute("create view seen as from patients")
    connection.execute("create temp table passing as from patients")
    for name in ("patients", "PATIENTS", "seen", "passing"):
        with pytest.raises(noo_filter.UsageError, match="the name is that of a table or view"):
            noo_filter.duckdb.register(connection, name, "from patients")
    connection.register("mine", pa.table({"x": [1]}))
    with pytest.raises(noo_filter.UsageError, match="the name is that of a table or view"):
        noo_filter.duckdb.register(connection, "mine", "from patients")
    assert connection.execute("from mine").fetchall() == [(1,)]
    noo_filter.duckdb.register(connection, "Clean", "from patients")
    connection.unregister("Clean")
    connection.execute("create table clean as from patients")
    with pytest.raises(noo_filter.UsageError, match="the name is that of a table or view"):
        noo_filter.duckdb.register(connection, "clean", "from patients")
    assert connection.execute("select count(*) from patients").fetchone() == (200,)


@pytest.mark.parametrize(
    ("query", "settings", "kind"),
    [
        ("from nowhere", {}, noo_filter.InputError),
        ("select i from patients", {}, noo_filter.UsageError),
        ("select nhs_number, nhs_number as other from patients", {}, noo_filter.UsageError),
        ("from patients", {"max_age": "nonsense"}, noo_filter.UsageError),
        ("from patients", {"snapshot": "nowhere.noo"}, noo_filter.NooError),
        (
            "select ('tel ' || nhs_number)::int as x, nhs_number from patients",
            {},
            noo_filter.InputError,
        ),
        (
            "select nhs_number, case when range > 2000000 then ('tel ' || nhs_number)::int end x "
            "from range(2000100), (from patients limit 1)",
            {},
            noo_filter.InputError,
        ),
        ("create table made as from patients", {}, noo_filter.UsageError),
    ],
)
def test_a_failure_registers_nothing(people, connection, query, settings, kind):
    """Nor does it leave what was registered before: it may be of an older snapshot."""
    noo_filter.duckdb.register(connection, "clean", "from patients")
    with pytest.raises(kind) as caught:
        noo_filter.duckdb.register(connection, "clean", query, **settings)
    assert not any(person in str(caught.value) for person in people.all)
    assert caught.value.__context__ is None
    with pytest.raises(duckdb.CatalogException):
        connection.execute("from clean")
