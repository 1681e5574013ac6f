"""The dialects of pandas, DuckDB, Polars and Python's csv module.

Usage: libraries.py NOO WORK [FILES [SEED]]
"""

import csv

import duckdb
import pandas as pd
import polars as pl

import table


def each(one):
    """A writer or a reader of many files, by one of a single file."""
    return lambda *many: [one(*words) for words in zip(*many)]


def pandas_writer(**how):
    return each(lambda rows, path: pd.DataFrame(rows, columns=table.COLUMNS, dtype=object).to_csv(path, index=False, **how))


def pandas_reader(**how):
    def read(path):
        try:
            return pd.read_csv(path, dtype=str, keep_default_na=False, skip_blank_lines=False, **how).values.tolist()
        except Exception:
            return None

    return each(read)


def duckdb_options(**how):
    return ", ".join(f"{name} '{value}'" for name, value in how.items())


def duckdb_writer(**how):
    def write(rows, path):
        with duckdb.connect() as db:
            db.execute("CREATE TABLE t (" + ", ".join(f'"{name}" VARCHAR' for name in table.COLUMNS) + ")")
            db.executemany("INSERT INTO t VALUES (?, ?, ?, ?)", rows)
            db.execute(f"COPY t TO '{path}' (FORMAT csv, HEADER, {duckdb_options(**how)})")

    return each(write)


def duckdb_reader(**how):
    columns = ", ".join(f"'{name}': 'VARCHAR'" for name in table.COLUMNS)
    options = ", ".join(f"{name} = '{value}'" for name, value in how.items())

    def read(path):
        try:
            with duckdb.connect() as db:
                found = db.execute(f"SELECT * FROM read_csv('{path}', header = true, all_varchar = true, auto_detect = false, new_line = '\\n', "
                                   f"columns = {{{columns}}}, {options})").fetchall()
        except duckdb.Error:
            return None
        return [list(row) for row in found]

    return each(read)


def polars_writer(**how):
    return each(lambda rows, path: pl.DataFrame(rows, schema=[(name, pl.String) for name in table.COLUMNS], orient="row").write_csv(path, **how))


def polars_reader(**how):
    def read(path):
        try:
            return [list(row) for row in pl.read_csv(path, infer_schema=False, **how).rows()]
        except Exception:
            return None

    return each(read)


def module_writer(dialect):
    def write(rows, path):
        with open(path, "w", newline="", encoding="utf-8") as f:
            csv.writer(f, dialect).writerows([table.COLUMNS, *rows])

    return each(write)


def module_reader(dialect):
    def read(path):
        with open(path, newline="", encoding="utf-8") as f:
            return list(csv.reader(f, dialect))[1:]

    return each(read)


class Escaped(csv.excel_tab):
    """Tabs, no quotes, and a backslash before what has a meaning."""

    quoting, escapechar, lineterminator = csv.QUOTE_NONE, "\\", "\n"


def check(tables):
    escapes = {"escapechar": "\\", "doublequote": False}
    unquoted = {"quoting": csv.QUOTE_NONE}
    ascii_delimited = {"sep": "\x1f", "lineterminator": "\x1e", **unquoted}
    for name, write, read, flags, share, reasons, forbidden in [
        ("pandas", pandas_writer(), pandas_reader(), [], 0, (), ""),
        ("pandas, escapes in quotes", pandas_writer(quoting=csv.QUOTE_ALL, **escapes), pandas_reader(**escapes), ["--dialect", "spark"], 0, (), ""),
        ("pandas, escapes without quotes", pandas_writer(sep="\t", escapechar="\\", **unquoted),
         pandas_reader(sep="\t", escapechar="\\", **unquoted), ["--dialect", "mysql"], 0, (), "\r"),
        ("pandas, UTF-16", pandas_writer(sep="\t", encoding="utf-16"), pandas_reader(sep="\t", encoding="utf-16"), ["--delimiter", "tab"], 0, (), ""),
        ("pandas, ASCII-delimited", pandas_writer(quotechar="\x02", **ascii_delimited), pandas_reader(**ascii_delimited),
         ["--delimiter", "0x1f", "--record-end", "0x1e", "--quote", "none"], 0, (), "\n\r"),
        ("DuckDB", duckdb_writer(quote='"', escape='"'), duckdb_reader(quote='"', escape='"'), [], 0, (), ""),
        ("DuckDB, escapes in quotes", duckdb_writer(quote='"', escape="\\"), duckdb_reader(quote='"', escape="\\"), ["--dialect", "spark"], 0, (), ""),
        ("DuckDB, a delimiter of three characters", duckdb_writer(delim="|^|", quote='"', escape='"'),
         duckdb_reader(delim="|^|", quote='"', escape='"'), ["--delimiter", "|^|"], 0.2, (table.OVERLAP,), ""),
        ("Polars", polars_writer(), polars_reader(), [], 0, (), ""),
        ("Polars, semicolons", polars_writer(separator=";", quote_style="always"), polars_reader(separator=";"), ["--delimiter", "auto"], 0, (), ""),
        ("csv module, excel", module_writer("excel"), module_reader("excel"), [], 0, (), ""),
        ("csv module, excel-tab", module_writer("excel-tab"), module_reader("excel-tab"), ["--delimiter", "tab"], 0, (), ""),
        ("csv module, unix", module_writer("unix"), module_reader("unix"), [], 0, (), ""),
        ("csv module, escapes", module_writer(Escaped), module_reader(Escaped), ["--dialect", "mysql"], 0, (), "\r"),
    ]:
        tables.hold(name, write, read, flags, share, reasons, forbidden)


if __name__ == "__main__":
    table.main(check)
