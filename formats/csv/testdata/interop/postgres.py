"""PostgreSQL's COPY, in a cluster of its own on a Unix socket.

Usage: postgres.py NOO WORK [FILES [SEED]]
"""

import glob
import os
import subprocess
import tempfile

import table

BIN = sorted(glob.glob("/usr/lib/postgresql/*/bin"))[-1]


def as_nobody():
    """What goes before a program that must not run as root."""
    return ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"] if os.getuid() == 0 else []


class Cluster:
    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix="noo-postgres-")
        if os.getuid() == 0:
            os.chmod(self.folder, 0o755)
            subprocess.run(["chown", "nobody", self.folder], check=True)
        self.control("initdb", "-D", self.folder + "/data", "-A", "trust", "-U", "noo", "-E", "UTF8", "--locale=C.UTF-8", "-N")
        self.control("pg_ctl", "-D", self.folder + "/data", "-w", "-l", self.folder + "/log", "-o",
                     f"-k {self.folder} -c listen_addresses='' -F", "start")
        return self

    def control(self, program, *words):
        subprocess.run([*as_nobody(), f"{BIN}/{program}", *words], check=True, stdout=subprocess.DEVNULL, cwd="/")

    def __exit__(self, *_):
        self.control("pg_ctl", "-D", self.folder + "/data", "-m", "immediate", "stop")
        subprocess.run(["rm", "-rf", self.folder], check=True)

    def sql(self, text, stop=True):
        return subprocess.run(["psql", "-h", self.folder, "-U", "noo", "-d", "postgres", "-X", "-q", "-A", "-t", "-v", f"ON_ERROR_STOP={int(stop)}"],
                              input=text, capture_output=True, text=True, check=True, env=dict(os.environ, PGCLIENTENCODING="UTF8")).stdout


def literal(value):
    return "NULL" if value is None else f"convert_from('\\x{value.encode().hex()}', 'UTF8')"


def create(name):
    return f"CREATE TEMP TABLE {name} ({', '.join(c + ' text' for c in table.COLUMNS)});\n"


def writer(db, options):
    def write(tables, paths):
        script = ""
        for i, (rows, path) in enumerate(zip(tables, paths)):
            script += create(f"t{i}")
            script += f"INSERT INTO t{i} VALUES " + ", ".join("(" + ", ".join(map(literal, row)) + ")" for row in rows) + ";\n"
            script += f"\\copy t{i} TO '{path}' WITH ({options})\n"
        db.sql(script)

    return write


def reader(db, options):
    def read(paths):
        script = ""
        for i, path in enumerate(paths):
            # A file that is not read leaves the table empty.
            script += create(f"t{i}") + f"\\copy t{i} FROM '{path}' WITH ({options})\n"
            columns = ", ".join(f"coalesce(encode(convert_to({c}, 'UTF8'), 'hex'), 'null')" for c in table.COLUMNS)
            script += f"SELECT {i}, {columns} FROM t{i};\n"
        found = [[] for _ in paths]
        for line in db.sql(script, stop=False).splitlines():
            i, *values = line.split("|")
            found[int(i)].append([None if v == "null" else bytes.fromhex(v).decode() for v in values])
        return found

    return read


BY_NUMBER = ["--no-header", "--column", "2"]


def check(tables):
    with Cluster() as db:
        for name, options, flags, share, reasons in [  # FORCE_QUOTE is for writing alone
            ("PostgreSQL, text", "FORMAT text", ["--dialect", "postgres", *BY_NUMBER], 0.05, (table.ONLY,)),
            ("PostgreSQL, text with a header", "FORMAT text, HEADER", ["--dialect", "postgres"], 0, ()),
            ("PostgreSQL, text with pipes and a word for null", "FORMAT text, DELIMITER '|', NULL '(null)'",
             ["--dialect", "postgres", "--delimiter", "pipe", *BY_NUMBER], 0.05, (table.ONLY,)),
            ("PostgreSQL, csv", "FORMAT csv, HEADER", [], 0, ()),
            ("PostgreSQL, csv without a header", "FORMAT csv", BY_NUMBER, 0.05, (table.ONLY,)),
            ("PostgreSQL, csv with all quotes", "FORMAT csv, HEADER, DELIMITER ';', QUOTE '''', FORCE_QUOTE *",
             ["--delimiter", "semicolon", "--quote", "single"], 0, ()),
            ("PostgreSQL, csv with escapes", "FORMAT csv, HEADER, ESCAPE '\\'", ["--dialect", "spark"], 0, ()),
        ]:
            tables.hold(name, writer(db, options), reader(db, options.replace(", FORCE_QUOTE *", "")), flags, share, reasons)


if __name__ == "__main__":
    table.main(check)
