"""The csv and tabs modes of SQLite's shell.

Usage: sqlite.py NOO WORK [FILES [SEED]]
"""

import os
import sqlite3
import subprocess

import table


class Database:
    """A database in a file, for Python to put texts in and out, and for the shell between."""

    def __init__(self, path):
        self.path = path

    def create(self, tables):
        if os.path.exists(self.path):
            os.remove(self.path)
        with sqlite3.connect(self.path) as db:
            for i, rows in enumerate(tables):
                db.execute(f"CREATE TABLE t{i} ({', '.join(c + ' TEXT' for c in table.COLUMNS)})")
                db.executemany(f"INSERT INTO t{i} VALUES (?, ?, ?, ?)", rows)

    def shell(self, script):
        subprocess.run(["sqlite3", "-batch", self.path], input=script, capture_output=True, text=True)

    def rows(self, i):
        with sqlite3.connect(self.path) as db:
            return [list(row) for row in db.execute(f"SELECT * FROM t{i}")]


def writer(db, mode, header):
    def write(tables, paths):
        db.create(tables)
        db.shell(mode + f".headers {'on' if header else 'off'}\n" + "".join(f".once '{path}'\nSELECT * FROM t{i};\n" for i, path in enumerate(paths)))

    return write


def reader(db, mode, header):
    def read(paths):
        db.create([[] for _ in paths])
        db.shell(mode + "".join(f".import {'--skip 1 ' if header else ''}'{path}' t{i}\n" for i, path in enumerate(paths)))
        return [db.rows(i) for i in range(len(paths))]

    return read


def check(tables):
    db = Database(tables.work + "/sqlite.db")
    for name, mode, header, flags in [
        ("SQLite, csv", ".mode csv\n", True, []),
        ("SQLite, csv with line feeds and pipes, no header", ".mode csv\n.separator | \\n\n", False, ["--delimiter", "pipe", "--no-header", "--column", "2"]),
    ]:
        tables.hold(name, writer(db, mode, header), reader(db, mode, header), flags, 0.05, (table.ONLY,))
    # The mode tabs neither quotes nor escapes.
    tables.hold("SQLite, tabs", writer(db, ".mode tabs\n", True), reader(db, ".mode tabs\n", True),
                ["--delimiter", "tab", "--quote", "none", "--record-end", "lf"], 0, (), "\t\n\"")


if __name__ == "__main__":
    table.main(check)
