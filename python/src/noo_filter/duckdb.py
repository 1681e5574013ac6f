"""DuckDB: a filtered relation under a name, for the queries of one connection."""

from __future__ import annotations

from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from . import _program
from ._filter import filter
from ._report import Report
from ._settings import FilterArguments
from .errors import UsageError

if TYPE_CHECKING:
    import duckdb
    from typing_extensions import Unpack

__all__ = ["register"]


def register(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    relation: duckdb.DuckDBPyRelation | str,
    **settings: Unpack[FilterArguments],
) -> Report:
    """Register the records of relation that may be disclosed as name, and return the report.

    relation is a relation of connection, or a query. The settings are those of filter. The records
    are in memory, as an Arrow table that connection holds until unregister(name) or its end. Other
    connections, also cursors, do not see it.

    name must be free, or that of an earlier register, which the new one replaces. After an error
    nothing is registered as name: no later query reads older records.
    """
    ours = _registered.setdefault(connection, set())
    if _is_taken(connection, name, ours):
        raise UsageError("the name is that of a table or view: queries would mean another")
    done = False
    try:
        source = _program.without_values(
            "DuckDB could not run the query",
            lambda: connection.sql(relation) if isinstance(relation, str) else relation,
        )
        if source is None:
            raise UsageError("want a query that has a result")
        table, report = filter(source, **settings)
        _program.without_values(
            "DuckDB could not register the result", lambda: connection.register(name, table)
        )
        ours.add(name.lower())
        done = True
    finally:
        if not done:
            connection.unregister(name)
    return report


# The names that register gave in each connection, in lower case: DuckDB ignores the case.
_registered: WeakKeyDictionary[duckdb.DuckDBPyConnection, set[str]] = WeakKeyDictionary()


def _is_taken(connection: duckdb.DuckDBPyConnection, name: str, ours: set[str]) -> bool:
    """Report whether name is that of a table, or of a view that is none of ours."""
    found = connection.execute(
        """select (select count(*) from duckdb_tables() where lower(table_name) = lower($1)),
                  (select count(*) from duckdb_views() where lower(view_name) = lower($1))""",
        [name],
    ).fetchall()
    return found != [(0, 0)] and not (found == [(0, 1)] and name.lower() in ours)
