"""MySQL's dialect: SELECT … INTO OUTFILE and LOAD DATA INFILE, by a MariaDB server on a Unix socket.

Usage: mariadb.py NOO WORK [FILES [SEED]]
"""

import os
import subprocess
import tempfile
import time

import table


class Server:
    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix="noo-mariadb-")
        user = []
        if os.getuid() == 0:
            os.chmod(self.folder, 0o755)
            user = ["--user=nobody"]
            subprocess.run(["chown", "nobody", self.folder], check=True)
        subprocess.run(["mariadb-install-db", "--no-defaults", f"--datadir={self.folder}/data", "--auth-root-authentication-method=normal",
                        "--skip-test-db", *user], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.mkdir(self.folder + "/files")
        os.chmod(self.folder + "/files", 0o777)
        # MySQL's own settings: a file with too few fields, or a text cut off, is an error.
        self.process = subprocess.Popen(
            ["mariadbd", "--no-defaults", f"--datadir={self.folder}/data", f"--socket={self.folder}/socket", "--skip-networking", *user,
             "--open-files-limit=1024", f"--secure-file-priv={self.folder}/files", "--character-set-server=utf8mb4", f"--log-error={self.folder}/log",
             "--sql-mode=STRICT_ALL_TABLES", "--innodb-flush-log-at-trx-commit=0"])
        for _ in range(600):
            if subprocess.run(self.client("-e", "SELECT 1"), capture_output=True).returncode == 0:
                return self
            time.sleep(0.1)
        raise SystemExit("MariaDB does not start: " + open(self.folder + "/log").read())

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        subprocess.run(["rm", "-rf", self.folder], check=True)

    def client(self, *words):
        return ["mariadb", "--no-defaults", f"--socket={self.folder}/socket", "-u", "root", "--default-character-set=utf8mb4", "-N", "-B", "-f", *words]

    def sql(self, text):
        return subprocess.run(self.client("mysql"), input=text, capture_output=True, text=True)


def literal(value):
    if value is None:
        return "NULL"
    return f"X'{value.encode().hex()}'" if value else "''"


def create(name):
    return f"CREATE TEMPORARY TABLE {name} (n INT AUTO_INCREMENT PRIMARY KEY, {', '.join('`' + c + '` VARCHAR(200)' for c in table.COLUMNS)}) CHARSET utf8mb4;\n"


NAMES = ", ".join("`" + c + "`" for c in table.COLUMNS)


def writer(db, options, charset):
    def write(tables, paths):
        script = ""
        for i, rows in enumerate(tables):
            script += create(f"t{i}")
            script += f"INSERT INTO t{i} ({NAMES}) VALUES " + ", ".join("(" + ", ".join(map(literal, row)) + ")" for row in rows) + ";\n"
            script += f"SELECT {NAMES} INTO OUTFILE '{db.folder}/files/{i}' CHARACTER SET {charset} {options} FROM t{i} ORDER BY n;\n"
        done = db.sql(script)
        if done.returncode != 0 or done.stderr:
            raise SystemExit(done.stderr)
        for i, path in enumerate(paths):
            os.replace(f"{db.folder}/files/{i}", path)

    return write


def reader(db, options, charset):
    def read(paths):
        script = ""
        for i, path in enumerate(paths):
            subprocess.run(["cp", path, f"{db.folder}/files/{i}"], check=True)
            os.chmod(f"{db.folder}/files/{i}", 0o644)
            script += create(f"t{i}")
            script += f"LOAD DATA INFILE '{db.folder}/files/{i}' INTO TABLE t{i} CHARACTER SET {charset} {options} ({NAMES});\n"
            script += f"SELECT {i}, {', '.join(f'HEX(`{c}`)' for c in table.COLUMNS)} FROM t{i} ORDER BY n;\n"
        found = [[] for _ in paths]
        # A file that is not read leaves the table empty.
        for line in db.sql(script).stdout.splitlines():
            i, *values = line.split("\t")
            found[int(i)].append([None if v == "NULL" else bytes.fromhex(v).decode() for v in values])
        for i in range(len(paths)):
            os.remove(f"{db.folder}/files/{i}")
        return found

    return read


BY_NUMBER = ["--no-header", "--column", "2"]


def check(tables):
    with Server() as db:
        for name, options, flags, share, reasons in [
            ("MySQL", "", ["--dialect", "mysql"], 0.05, (table.ONLY,)),
            ("MySQL, ends of lines of Windows", "LINES TERMINATED BY '\\r\\n'", ["--dialect", "mysql", "--record-end", "crlf"], 0.05, (table.ONLY,)),
            ("MySQL, pipes", "FIELDS TERMINATED BY '|'", ["--dialect", "mysql", "--delimiter", "pipe"], 0.05, (table.ONLY,)),
            ("MySQL, enclosed", "FIELDS TERMINATED BY ',' ENCLOSED BY '\"'", ["--dialect", "mysql", "--delimiter", "comma", "--quote", "double"],
             0.3, (table.OUTSIDE, table.ONLY)),
            ("MySQL, optionally enclosed", "FIELDS TERMINATED BY ',' OPTIONALLY ENCLOSED BY '\"'",
             ["--dialect", "mysql", "--delimiter", "comma", "--quote", "double"], 0.3, (table.OUTSIDE, table.ONLY)),
            ("MySQL, no escapes", "FIELDS TERMINATED BY ',' ENCLOSED BY '\"' ESCAPED BY ''", ["--quote", "lenient", "--record-end", "lf"], 0.7,
             (*table.READINGS, *table.QUOTES)),  # of the first record, whose number of fields nobody knows
            # NULL would be a quote and N here, and a line feed in a text a quote and a line feed.
            ("MySQL, escaped by the quote", "FIELDS TERMINATED BY ',' ENCLOSED BY '\"' ESCAPED BY '\"'", ["--record-end", "lf"], 0.05, (table.ONLY,)),
            ("MySQL, several bytes", "FIELDS TERMINATED BY '|^|'", ["--dialect", "mysql", "--delimiter", "|^|"], 0.2, (table.ONLY, table.OVERLAP)),
            ("MySQL, ASCII-delimited", "FIELDS TERMINATED BY '\\x1f' LINES TERMINATED BY '\\x1e'".replace("\\x1f", "\x1f").replace("\\x1e", "\x1e"),
             ["--dialect", "mysql", "--delimiter", "0x1f", "--record-end", "0x1e"], 0.05, (table.ONLY,)),
        ]:
            tables.hold(name, writer(db, options, "utf8mb4"), reader(db, options, "utf8mb4"), [*flags, *BY_NUMBER], share, reasons,
                        **{"forbidden": "\n", "nulls": False} if "by the quote" in name else {"least": 0.3 if share < 0.5 else 0.1})


if __name__ == "__main__":
    table.main(check)
