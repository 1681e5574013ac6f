"""Tables that their own writers make, and what noo says of them.

tables.py DIR NOO  makes a table of three people in DIR with Delta Lake, Iceberg, Paimon and DuckLake, and deletes one. Then the
                   program NOO must refuse the table by every name. The way that its message shows must work: read the table
                   with its own reader, write the rows to a Parquet file, and filter that.

Hudi has no writer that runs without Spark: a test in Go lays out its folders by hand. The numbers start with 9.
"""

import glob
import importlib.util
import os
import subprocess
import sys

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import DeltaTable, write_deltalake
from pyiceberg.catalog.sql import SqlCatalog
from pypaimon import CatalogFactory, Schema

DELETED, OPTED_OUT, KEPT = "9926702066", "9434765919", "9995609649"
PEOPLE = pa.table({
    "nhs_number": [DELETED, OPTED_OUT, KEPT],
    "part": pa.array([1, 1, 2], pa.int32()),
})


def delta(folder):
    write_deltalake(folder, PEOPLE, partition_by=["part"], configuration={"delta.enableChangeDataFeed": "true"})
    DeltaTable(folder).delete("nhs_number = '%s'" % DELETED)
    return folder, pa.table(DeltaTable(folder).to_pyarrow_dataset().to_table())


def iceberg(folder):
    os.makedirs(folder)
    catalog = SqlCatalog("people", uri="sqlite:///%s/catalog.db" % folder, warehouse="file://" + folder)
    catalog.create_namespace("db")
    table = catalog.create_table("db.people", schema=PEOPLE.schema)
    table.append(PEOPLE)
    table.delete("nhs_number = '%s'" % DELETED)
    return os.path.join(folder, "db", "people"), table.scan().to_arrow()


def paimon(folder):
    catalog = CatalogFactory.create({"warehouse": folder})
    catalog.create_database("db", True)
    schema = Schema.from_pyarrow_schema(PEOPLE.schema, partition_keys=["part"], options={"file.format": "parquet"})
    catalog.create_table("db.people", schema, False)
    table = catalog.get_table("db.people")

    def write(rows, partition=None):
        builder = table.new_batch_write_builder()
        if partition:
            builder = builder.overwrite(partition)
        writer, commit = builder.new_write(), builder.new_commit()
        writer.write_arrow(rows)
        commit.commit(writer.prepare_commit())
        writer.close()
        commit.close()

    write(PEOPLE)
    write(PEOPLE.slice(1, 1), {"part": 1})  # the partition again, without the deleted row
    reader = table.new_read_builder()
    rows = reader.new_read().to_arrow(reader.new_scan().plan().splits())
    return os.path.join(folder, "db.db", "people"), rows


def ducklake(folder):
    """DuckDB takes the extension from a package, and checks its signature."""
    os.makedirs(folder)
    package = os.path.dirname(importlib.util.find_spec("duckdb_extension_ducklake").origin)
    extension, = glob.glob(package + "/extensions/v%s/*" % duckdb.__version__)
    connection = duckdb.connect()
    connection.execute("LOAD '%s'" % extension)
    connection.execute("ATTACH 'ducklake:%s/catalog' AS lake (DATA_PATH '%s/data/', DATA_INLINING_ROW_LIMIT 0)" % (folder, folder))
    connection.execute("CREATE TABLE lake.people (nhs_number VARCHAR, part INT)")
    connection.execute("ALTER TABLE lake.people SET PARTITIONED BY (part)")
    connection.execute("INSERT INTO lake.people SELECT * FROM PEOPLE")
    connection.execute("DELETE FROM lake.people WHERE nhs_number = ?", [DELETED])
    rows = connection.execute("FROM lake.people").to_arrow_table()
    return os.path.join(folder, "data", "main", "people"), rows


TABLES = [
    ("Delta Lake", delta),
    ("Apache Iceberg", iceberg),
    ("Apache Paimon", paimon),
    ("DuckLake", ducklake),
]


class Program:
    """noo, with a snapshot in which one person has opted out."""

    def __init__(self, path, folder):
        self.path, self.folder = path, folder
        self.environment = dict(os.environ, HOME=folder, NOO_STATE_DIR=os.path.join(folder, "state"))
        with open(os.path.join(folder, "optouts.txt"), "w") as f:
            f.write(OPTED_OUT + "\n")
        for args in ["key generate --name publisher --no-password",
                     "snapshot build optouts.txt -o optouts.noo --key publisher.key --publisher tests"]:
            code, said = self.run(*args.split())
            assert code == 0, said
        self.environment["NOO_SNAPSHOT"] = os.path.join(folder, "optouts.noo")
        self.environment["NOO_TRUSTED_KEYS"] = os.path.join(folder, "publisher.pub")

    def run(self, *args, cwd=None):
        done = subprocess.run([self.path, *args], cwd=cwd or self.folder, env=self.environment,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True)
        return done.returncode, done.stdout + done.stderr

    def refuses(self, kind, root, name, cwd=None):
        out = os.path.join(self.folder, "out")
        for args in [("filter", name, "-o", out + "/"), ("check", name), ("columns", name)]:
            code, said = self.run(*args, cwd=cwd)
            assert code == 4 and "belongs to the %s table at %s, whose" % (kind, root) in said, "%s: %d %s" % (args, code, said)
            assert not os.path.exists(out)


def try_table(noo, kind, make, folder):
    root, rows = make(folder)
    assert sorted(rows["nhs_number"].to_pylist()) == sorted([OPTED_OUT, KEPT]), "the row was not deleted"
    files = sorted(glob.glob(root + "/**/*.parquet", recursive=True))
    held = [pq.read_table(f, partitioning=None) for f in files]
    there = [n for t in held if "nhs_number" in t.column_names for n in t["nhs_number"].to_pylist()]
    assert DELETED in there, "the folder does not hold the deleted row: the test shows nothing"

    for name in [root, root + "/", folder, root + "/**/*.parquet", folder + "/**/*.parquet", *files]:
        noo.refuses(kind, root, name)
    for name in [".", "..", os.path.basename(files[0]), "*.parquet"]:
        noo.refuses(kind, root, name, cwd=os.path.dirname(files[0]))
    link = folder + "-link"
    os.symlink(files[0], link)
    noo.refuses(kind, root, link)

    plain, clean = folder + "-rows.parquet", folder + "-clean.parquet"
    pq.write_table(rows, plain)
    code, said = noo.run("filter", plain, "-o", clean)
    assert code == 0, said
    assert pq.read_table(clean)["nhs_number"].to_pylist() == [KEPT]
    return len(files)


if __name__ == "__main__":
    work = os.path.realpath(sys.argv[1])
    noo = Program(os.path.abspath(sys.argv[2]), work)
    for i, (kind, make) in enumerate(TABLES):
        n = try_table(noo, kind, make, os.path.join(work, "table%d" % i))
        print("%s: refused, a table with %d data files" % (kind, n))
