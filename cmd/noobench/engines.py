"""What an analyst could use instead, for the benchmark: DuckDB, Polars and pyarrow. Run in the folder of the data.

    engines.py make-parquet IN.csv OUT.parquet CODEC
    engines.py make-arrow IN.parquet OUT.arrow CODEC
    engines.py make-numbers IN.parquet OUT.arrows CODEC
    engines.py repeat IN.parquet OUT.parquet CODEC
    engines.py duckdb IN.parquet OUT.parquet CODEC
    engines.py polars IN.parquet OUT.parquet CODEC
    engines.py polars-arrow IN.arrow OUT.arrow CODEC
    engines.py pyarrow-join IN.arrow OUT.arrow CODEC
    engines.py pyarrow-isin IN.arrow OUT.arrow CODEC
    engines.py ask NUMBERS.arrows NOO RECORDS

CODEC of Arrow is uncompressed, lz4 or zstd.

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


def make_parquet(source, target, codec):
    duckdb_connection().execute(
        f"""COPY (SELECT * FROM read_csv('{source}', types={{
            'record_id': 'BIGINT', 'nhs_number': 'VARCHAR', 'birth_date': 'DATE', 'admitted': 'DATE', 'discharged': 'DATE',
            'cost': 'DOUBLE', 'procedure': 'VARCHAR', 'consultant': 'VARCHAR', 'note': 'VARCHAR'}}))
        TO '{target}' (FORMAT parquet, COMPRESSION {codec})"""
    )


def write_arrow(table, target, codec, new_writer):
    """Writes batches of 65,536 records, as pyarrow.feather does."""
    import pyarrow as pa

    options = pa.ipc.IpcWriteOptions(compression=None if codec == "uncompressed" else codec)
    with pa.OSFile(target, "wb") as file, new_writer(file, table.schema, options=options) as writer:
        writer.write_table(table, max_chunksize=65536)


def make_arrow(source, target, codec):
    import pyarrow as pa
    import pyarrow.parquet as pq

    write_arrow(pq.read_table(source), target, codec, pa.ipc.new_file)


def make_numbers(source, target, codec):
    import pyarrow as pa
    import pyarrow.parquet as pq

    write_arrow(pq.read_table(source, columns=["nhs_number"]), target, codec, pa.ipc.new_stream)


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


def run_polars_arrow(source, target, codec):
    import polars as pl

    opted_out = pl.scan_csv("optouts.txt", has_header=False, new_columns=["nhs_number"], schema_overrides=[pl.String])
    pl.scan_ipc(source).join(opted_out, on="nhs_number", how="anti").sink_ipc(target, compression=codec)


def run_pyarrow(source, target, codec, anti_join):
    import pyarrow as pa
    from pyarrow import csv

    pa.set_cpu_count(THREADS)
    opted_out = csv.read_csv(
        "optouts.txt",
        read_options=csv.ReadOptions(column_names=["nhs_number"]),
        convert_options=csv.ConvertOptions(column_types={"nhs_number": pa.string()}),
    )
    with pa.memory_map(source) as file:
        write_arrow(anti_join(pa.ipc.open_file(file).read_all(), opted_out), target, codec, pa.ipc.new_file)


def run_pyarrow_join(source, target, codec):
    """Records come out in another order."""
    run_pyarrow(source, target, codec, lambda table, out: table.join(out, keys="nhs_number", join_type="left anti"))


def run_pyarrow_isin(source, target, codec):
    def anti_join(table, opted_out):
        import pyarrow.compute as pc

        numbers = opted_out["nhs_number"].combine_chunks()
        return table.filter(pc.invert(pc.is_in(table["nhs_number"], value_set=numbers)))

    run_pyarrow(source, target, codec, anti_join)


def ask(source, noo, records):
    """Asks noo verdicts as an engine does that waits for each answer: RECORDS in a batch."""
    import pyarrow as pa
    from subprocess import PIPE, Popen

    process = Popen([noo, "verdicts", "-", "-o", "-"], stdin=PIPE, stdout=PIPE)
    numbers = pa.ipc.open_stream(pa.memory_map(source))
    writer, answers = pa.ipc.new_stream(process.stdin, numbers.schema), None
    for batch in pa.Table.from_batches(numbers).combine_chunks().to_batches(max_chunksize=int(records)):
        writer.write_batch(batch)
        process.stdin.flush()
        answers = answers or pa.ipc.open_stream(process.stdout)
        if answers.read_next_batch().num_rows != batch.num_rows:
            sys.exit(2)  # another number of verdicts than of numbers
    writer.close()
    process.stdin.close()
    sys.exit(process.wait())


COMMANDS = {
    "make-parquet": make_parquet,
    "make-arrow": make_arrow,
    "make-numbers": make_numbers,
    "repeat": repeat,
    "duckdb": run_duckdb,
    "polars": run_polars,
    "polars-arrow": run_polars_arrow,
    "pyarrow-join": run_pyarrow_join,
    "pyarrow-isin": run_pyarrow_isin,
    "ask": ask,
}
COMMANDS[sys.argv[1]](*sys.argv[2:])
