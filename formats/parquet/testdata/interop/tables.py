"""Tables that their own writers made, each with a row deleted: noo must refuse them, whatever of them is named.

Usage: tables.py NOO FOLDER
"""
import glob
import os
import subprocess
import sys

import deltalake
import pyarrow as pa
from pyiceberg.catalog.sql import SqlCatalog

PEOPLE = pa.table({
    "nhs_number": ["9995609649", "9926702066", "9434765919"],
    "ward": ["A", "B", "C"],
})


def delta(folder):
    os.makedirs(folder)
    deltalake.write_deltalake(folder, PEOPLE, partition_by=["ward"])
    deltalake.DeltaTable(folder).delete("ward = 'C'")
    return folder


def iceberg(folder):
    os.makedirs(folder, exist_ok=True)
    catalog = SqlCatalog("c", uri=f"sqlite:///{folder}/catalog.db", warehouse=f"file://{folder}/warehouse")
    catalog.create_namespace("n")
    table = catalog.create_table("n.people", schema=PEOPLE.schema)
    table.append(PEOPLE)
    table.delete("ward = 'C'")
    return os.path.dirname(os.path.dirname(glob.glob(f"{folder}/warehouse/**/*.metadata.json", recursive=True)[0]))


def refused(noo, kind, arguments):
    done = subprocess.run([noo, *arguments], capture_output=True, text=True)
    said = done.stdout + done.stderr
    if done.returncode != 4 or kind not in said:
        sys.exit(f"noo {arguments} ended with {done.returncode}: {said}")


def main(noo, folder):
    count = 0
    for kind, table in (("Delta Lake", delta(f"{folder}/lakes/a/delta")), ("Apache Iceberg", iceberg(f"{folder}/lakes/b/iceberg"))):
        files = glob.glob(f"{table}/**/*.parquet", recursive=True)
        if len(files) < 2:
            sys.exit(f"{kind}: a deleted row left {len(files)} files")
        for argument in (table, os.path.dirname(table), f"{table}/**/*.parquet", files[0]):
            refused(noo, kind, ["filter", argument, "-o", f"{folder}/out/"])
            refused(noo, kind, ["check", argument])
            if not argument.endswith("*.parquet"):
                refused(noo, kind, ["columns", argument])
            count += 1
    print(f"{count} ways to name a table, all refused")


main(*sys.argv[1:])
