"""What an analyst could use instead, for the benchmark: DuckDB and Polars. Run in the folder of the data.

    engines.py make IN.csv OUT.parquet CODEC
    engines.py repeat IN.parquet OUT.parquet CODEC
    engines.py duckdb IN.parquet OUT.parquet CODEC
    engines.py polars IN.parquet OUT.parquet CODEC

They join text with text, as an analyst would: what they do is less than noo does, since they miss numbers in any other
form, read nothing back and sync nothing.
"""

import sys

THREADS = 2
OPTED_OUT = "read_csv('optouts.txt', header=false, columns={'nhs_number': 'VARCHAR'})"


def duckdb_connection():
    import duckdb

    connection = duckdb.connect()
    connection.execute(f"SET threads={THREADS}")
    return connection


def make(source, target, codec):
    duckdb_connection().execute(
        f"""COPY (SELECT * FROM read_csv('{source}', types={{
            'record_id': 'BIGINT', 'nhs_number': 'VARCHAR', 'birth_date': 'DATE', 'admitted': 'DATE', 'discharged': 'DATE',
            'cost': 'DOUBLE', 'procedure': 'VARCHAR', 'consultant': 'VARCHAR', 'note': 'VARCHAR'}}))
        TO '{target}' (FORMAT parquet, COMPRESSION {codec})"""
    )


def repeat(source, target, codec):
    duckdb_connection().execute(f"COPY (SELECT * FROM read_parquet({[source] * 10})) TO '{target}' (FORMAT parquet, COMPRESSION {codec})")


def run_duckdb(source, target, codec):
    duckdb_connection().execute(
        f"""COPY (SELECT * FROM '{source}' AS e WHERE NOT EXISTS
            (SELECT 1 FROM {OPTED_OUT} AS o WHERE o.nhs_number = e.nhs_number))
        TO '{target}' (FORMAT parquet, COMPRESSION {codec})"""
    )


def run_polars(source, target, codec):
    import polars as pl

    opted_out = pl.scan_csv("optouts.txt", has_header=False, new_columns=["nhs_number"], schema_overrides=[pl.String])
    pl.scan_parquet(source).join(opted_out, on="nhs_number", how="anti").sink_parquet(target, compression=codec)


{"make": make, "repeat": repeat, "duckdb": run_duckdb, "polars": run_polars}[sys.argv[1]](*sys.argv[2:])
