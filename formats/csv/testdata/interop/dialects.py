"""Files that pandas, DuckDB and Polars write in the dialects of docs/dialects.md, filtered by noo and read again by
the same library: what is kept must be the same rows, and nobody who opted out may be among them.

Usage: dialects.py NOO WORK [FILES [SEED]]
"""

import csv
import os
import random
import subprocess
import sys

import duckdb
import pandas as pd
import polars as pl

noo, work = sys.argv[1], sys.argv[2]
files = int(sys.argv[3]) if len(sys.argv) > 3 else 60
r = random.Random(int(sys.argv[4]) if len(sys.argv) > 4 else 1)


def number():
    """A number of the range that is never issued."""
    while True:
        nine = "9" + "".join(r.choice("9876543210") for _ in range(8))
        check = -sum(int(d) * w for d, w in zip(nine, range(10, 1, -1))) % 11
        if check < 10 and len(set(nine)) > 1:
            return nine + str(check)


PARTS = ["a", "ok", " ", ",", ";", "|", "^", '"', '""', "\\", "\\\\", "'", "\n", "é", "N", "NULL", "0", "wound 6", "{", "#"]


def text(forbidden):
    value = "".join(r.choice(PARTS) for _ in range(r.randrange(6)))
    return "".join(c for c in value if c not in forbidden)


def pandas_writer(**how):
    def write(rows, path):
        # A null would be read as an empty text: there are none.
        pd.DataFrame(rows[1:], columns=rows[0], dtype=str).to_csv(path, index=False, **how)

    return write


def pandas_reader(**how):
    def read(path):
        frame = pd.read_csv(path, dtype=str, keep_default_na=False, skip_blank_lines=False, **how)
        return [list(frame.columns)] + frame.values.tolist()

    return read


def duckdb_options(**how):
    return ", ".join(f"{name} '{value}'" for name, value in how.items())


def duckdb_writer(**how):
    def write(rows, path):
        with duckdb.connect() as db:
            db.execute("CREATE TABLE t (" + ", ".join(f'"{name}" VARCHAR' for name in rows[0]) + ")")
            if rows[1:]:
                db.executemany("INSERT INTO t VALUES (" + ", ".join("?" * len(rows[0])) + ")", rows[1:])
            db.execute(f"COPY t TO '{path}' (FORMAT csv, HEADER, {duckdb_options(**how)})")

    return write


def duckdb_reader(**how):
    def read(path):
        options = ", ".join(f"{name} = '{value}'" for name, value in how.items())
        with duckdb.connect() as db:
            found = db.execute(f"SELECT * FROM read_csv('{path}', header = true, all_varchar = true, auto_detect = false, "
                               f"columns = {{'nhs_number': 'VARCHAR', 'note': 'VARCHAR', 'more': 'VARCHAR'}}, {options})").fetchall()
        return [["nhs_number", "note", "more"]] + [["" if v is None else v for v in row] for row in found]

    return read


def polars_writer(**how):
    return lambda rows, path: pl.DataFrame(rows[1:], schema=[(name, pl.String) for name in rows[0]], orient="row").write_csv(path, **how)


def polars_reader(**how):
    def read(path):
        frame = pl.read_csv(path, infer_schema=False, **how).fill_null("")
        return [frame.columns] + [list(row) for row in frame.rows()]

    return read


# By name: how a file is written and read, the flags of noo, and characters that this dialect cannot have in a text.
DIALECTS = {
    "pandas, escapes in quotes": (
        pandas_writer(escapechar="\\", doublequote=False, quoting=csv.QUOTE_ALL),
        pandas_reader(escapechar="\\", doublequote=False), ["--dialect", "spark"], ""),
    "pandas, escapes without quotes": (
        pandas_writer(sep="\t", escapechar="\\", quoting=csv.QUOTE_NONE), pandas_reader(sep="\t", escapechar="\\", quoting=csv.QUOTE_NONE),
        ["--dialect", "mysql"], ""),
    "pandas, UTF-16": (
        pandas_writer(sep="\t", encoding="utf-16"), pandas_reader(sep="\t", encoding="utf-16"), ["--delimiter", "tab"], ""),
    "pandas, ASCII-delimited": (
        pandas_writer(sep="\x1f", lineterminator="\x1e", quoting=csv.QUOTE_NONE, quotechar="\x02"),
        pandas_reader(sep="\x1f", lineterminator="\x1e", quoting=csv.QUOTE_NONE),
        ["--delimiter", "0x1f", "--record-end", "0x1e", "--quote", "none"], "\n"),
    "DuckDB, escapes in quotes": (
        duckdb_writer(quote='"', escape="\\"), duckdb_reader(quote='"', escape="\\"), ["--dialect", "spark"], ""),
    "DuckDB, a delimiter of three characters": (
        duckdb_writer(delim="|^|", quote='"', escape='"'), duckdb_reader(delim="|^|", quote='"', escape='"'),
        ["--delimiter", "|^|"], ""),
    "Polars, semicolons": (
        polars_writer(separator=";", quote_style="always"), polars_reader(separator=";"), ["--delimiter", "auto"], "\n"),
}


def prepare():
    env = dict(os.environ, NOO_SNAPSHOT=work + "/optouts.noo", NOO_TRUSTED_KEYS=work + "/publisher.pub", NOO_STATE_DIR=work + "/state")
    out = [number() for _ in range(50)]
    with open(work + "/optouts.txt", "w") as f:
        f.write("\n".join(out) + "\n")
    subprocess.run([noo, "key", "generate", "--name", "publisher", "--dir", work, "--no-password"], check=True, capture_output=True)
    subprocess.run([noo, "snapshot", "build", work + "/optouts.txt", "-o", work + "/optouts.noo", "--key", work + "/publisher.key",
                    "--publisher", "test"], check=True, capture_output=True)
    return env, out


def main():
    env, out = prepare()
    others = [n for n in (number() for _ in range(200)) if n not in out]
    for name, (write, read, flags, forbidden) in DIALECTS.items():
        compared = refused = 0
        for i in range(files):
            rows = [["nhs_number", "note", "more"]]
            for _ in range(1 + r.randrange(200 if i % 10 == 0 else 12)):
                rows.append([r.choice(out if r.random() < 0.3 else others), text(forbidden), text(forbidden)])
            path, result = work + "/in.csv", work + "/out.csv"
            write(rows, path)
            try:
                alike = read(path) == rows
            except Exception:
                alike = False
            if not alike:
                continue  # the library does not read what it wrote
            done = subprocess.run([noo, "filter", path, "-o", result, "--force", "--column", "nhs_number", "--quiet", *flags],
                                  env=env, capture_output=True, text=True)
            if done.returncode == 4:
                refused += 1
                continue
            if done.returncode != 0:
                sys.exit(f"{name}: file {i}: {done.stderr}")
            want = [rows[0]] + [row for row in rows[1:] if row[0] not in out]
            got = read(result) if len(want) > 1 else want
            if got != want:
                sys.exit(f"{name}: file {i}: other rows: {work}/in.csv")
            compared += 1
        print(f"{name}: {compared} files compared, {refused} refused")
        if compared < files // 3:
            sys.exit(f"{name}: too few files to mean anything")


main()
