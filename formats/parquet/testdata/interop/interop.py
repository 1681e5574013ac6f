"""Interoperability of noo's Parquet filter with the programs that write and read Parquet.

generate DIR FILES SEED  writes files with random schemas, types, nesting, nulls, encodings, codecs, page versions and sizes, by
                         pyarrow, DuckDB, Polars and pandas, each with NHS numbers in it, and cases.json: what to remove.
verify DIR               compares what the Go test TestInterop made of them with pyarrow's own filter, opens it with pyarrow, DuckDB
                         and Polars, and asks DuckDB for single values, which it finds by the statistics.

Everything follows from SEED. The numbers are from the range that is never issued (they start with 9).
"""

import datetime
import decimal
import json
import os
import random
import sys

os.environ["POLARS_IMPORT_INTERVAL_AS_STRUCT"] = "1"  # without it Polars panics on DuckDB's intervals

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq


def number(r):
    """A number from the test range with the right check digit."""
    while True:
        digits = [9] + [r.randrange(10) for _ in range(8)]
        check = (11 - sum(d * w for d, w in zip(digits, range(10, 1, -1))) % 11) % 11
        if check < 10 and len(set(digits + [check])) > 1:
            return "".join(map(str, digits + [check]))


def maybe(r, rate, value):
    return None if r.random() < rate else value


# Types of columns: the Arrow type, a value, and the encodings besides PLAIN and dictionary that suit it.
WORDS = ["", "a", "Leeds", "naïve", "x" * 40, "prefix-1", "prefix-2", "prefix-10", "\x00\xff", "ünïcödé"]
EPOCH = datetime.datetime(1970, 1, 1)


def kinds(r):
    small = r.random() < 0.5  # low cardinality

    def text():
        return r.choice(WORDS) if small else "%s-%d" % (r.choice(WORDS[1:8]), r.randrange(100000))

    def whole(bits, signed=True):
        low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
        return lambda: r.choice([low, high, 0, 1]) if r.random() < 0.1 else r.randint(max(low, -50), min(high, 50)) if small else r.randint(low, high)

    def real():
        return r.choice([0.0, -0.0, 1.5, float("inf"), float("-inf"), float("nan")]) if r.random() < 0.1 else r.gauss(0, 1000)

    delta, split, strings = ["DELTA_BINARY_PACKED"], ["BYTE_STREAM_SPLIT"], ["DELTA_LENGTH_BYTE_ARRAY", "DELTA_BYTE_ARRAY"]
    ints = delta + split
    all_kinds = [(pa.int8(), whole(8), delta), (pa.int16(), whole(16), delta), (pa.int32(), whole(32), ints), (pa.int64(), whole(64), ints),
                 (pa.uint8(), whole(8, False), delta), (pa.uint16(), whole(16, False), delta), (pa.uint32(), whole(32, False), ints),
                 (pa.uint64(), whole(64, False), ints), (pa.float32(), lambda: float(np.float32(real())), split), (pa.float64(), real, split),
                 (pa.float16(), lambda: np.float16(r.choice([0.0, -0.0, 1.5, -2.25, 65504.0, 6e-8])), split),
                 (pa.bool_(), lambda: r.random() < 0.5, ["RLE"]), (pa.string(), text, strings), (pa.large_string(), text, strings),
                 (pa.string(), lambda: "C%07d" % r.randrange(10**7), strings), (pa.string(), lambda: "%d-%04d" % (r.randrange(3), r.randrange(10**4)), strings),
                 (pa.float64(), lambda: r.randrange(10**6) / 100, split), (pa.int64(), lambda: 10**12 + r.randrange(10**5), ints),
                 (pa.binary(), lambda: text().encode(), strings), (pa.binary(5), lambda: bytes(r.choice(b"abc") for _ in range(5)), split + strings[1:]),
                 (pa.date32(), lambda: datetime.date(1930, 1, 1) + datetime.timedelta(r.randrange(40000)), ints),
                 (pa.time32("ms"), lambda: datetime.time(r.randrange(24), r.randrange(60), r.randrange(60)), ints),
                 (pa.time64("us"), lambda: datetime.time(r.randrange(24), r.randrange(60), r.randrange(60), r.randrange(1000000)), ints),
                 (pa.timestamp("us"), lambda: EPOCH + datetime.timedelta(microseconds=r.randrange(-10**15, 10**15)), ints),
                 (pa.timestamp("ms", "UTC"), lambda: EPOCH + datetime.timedelta(milliseconds=r.randrange(10**12)), ints),
                 (pa.decimal128(7, 2), lambda: decimal.Decimal(r.randrange(-10**7 + 1, 10**7)).scaleb(-2), []),
                 (pa.decimal128(16, 0), lambda: decimal.Decimal(r.randrange(-10**15, 10**15)), []),
                 (pa.decimal128(38, 10), lambda: decimal.Decimal(r.randrange(-10**30, 10**30)).scaleb(-10), []),
                 (pa.decimal256(60, 3), lambda: decimal.Decimal(r.randrange(-10**40, 10**40)).scaleb(-3), [])]
    return r.choice(all_kinds)


def column(r, depth=0):
    """A type, a function that makes a value or a null, and encodings for a column without nesting."""
    shape = r.random()
    rate = r.choice([0, 0, 0.02, 0.3, 0.9, 1])
    if depth < 3 and shape < (0.3 if depth == 0 else 0.4):
        if shape < 0.12:
            inner, make, _ = column(r, depth + 1)
            longest = r.choice([1, 3, 20])
            return pa.list_(inner), lambda: maybe(r, rate, [make() for _ in range(r.randrange(longest + 1))]), []
        if shape < 0.22:
            fields = [(n, column(r, depth + 1)) for n in "abc"[: r.randrange(1, 4)]]
            return pa.struct([(n, f[0]) for n, f in fields]), lambda: maybe(r, rate, {n: f[1]() for n, f in fields}), []
        inner, make, _ = column(r, depth + 1)
        return pa.map_(pa.string(), inner), lambda: maybe(r, rate, [("k%d" % i, make()) for i in range(r.randrange(4))]), []
    kind, make, encodings = kinds(r)
    return kind, lambda: maybe(r, rate, make()), encodings


def identities(r, n):
    """For each record what its identifying column holds: a number, None, or something that is no number."""
    people = [number(r) for _ in range(max(2, n // r.choice([1, 3, 50])))]
    return people, [None if r.random() < 0.02 else "not a number" if r.random() < 0.02 else r.choice(people) for _ in range(n)]


def identifying(r, values, n):
    """An identifying column of a random type: its path, type, values, and for each record the values as strings."""
    form = r.choice(["string", "string", "dictionary", "fixed", "int64", "uint64", "double", "decimal", "scaled", "scaled", "int128", "list", "struct", "lists"])
    plain = [None if v == "not a number" else v for v in values]
    whole = [None if v is None else int(v) for v in plain]
    if form == "string":
        return "nhs", pa.string(), values, [[v] for v in values]
    if form == "dictionary":
        return "nhs", pa.dictionary(pa.int32(), pa.string()), values, [[v] for v in values]
    if form == "fixed":
        return "nhs", pa.binary(10), [None if v is None else v.encode() for v in plain], [[v] for v in plain]
    if form in ("int64", "uint64"):
        return "nhs", getattr(pa, form)(), whole, [[v] for v in plain]
    if form == "double":
        return "nhs", pa.float64(), [None if v is None else float(v) for v in plain], [[v] for v in plain]
    if form == "decimal":
        return "nhs", pa.decimal128(r.choice([10, 18, 30]), 0), [None if v is None else decimal.Decimal(v) for v in plain], [[v] for v in plain]
    if form == "scaled":
        kind = r.choice([pa.decimal128(38, 10), pa.decimal256(76, 20), pa.decimal128(12, 2), pa.decimal64(12, 2), pa.decimal256(40, 0)])
        return "nhs", kind, [None if v is None else decimal.Decimal(v) for v in plain], [[v] for v in plain]
    if form == "int128":
        order = r.choice(["big", "little"])
        return "nhs", pa.binary(16), [None if v is None else v.to_bytes(16, order) for v in whole], [[v] for v in plain]
    if form == "struct":
        return "nhs.value", pa.struct([("value", pa.string())]), [maybe(r, 0.01, {"value": v}) for v in values], None
    lists = [maybe(r, 0.05, [r.choice(values) for _ in range(r.choice([0, 1, 1, 2, 5]))]) for _ in range(n)]
    if form == "lists":
        lists = [v if v is None else [v[:1], None, v[1:]] for v in lists]
        return "nhs.list.element.list.element", pa.list_(pa.list_(pa.string())), lists, None
    return "nhs.list.element", pa.list_(pa.string()), lists, None


def flatten(value):
    if value is None:
        return [None]
    if isinstance(value, dict):
        return flatten(value["value"])
    if isinstance(value, list):
        return [x for v in value for x in flatten(v)]
    return [value]


def fate(numbers, opted_out):
    """keep, drop or withhold, by the rules for several numbers in one record."""
    if any(v in opted_out for v in numbers if v is not None):
        return "drop"
    if any(v == "not a number" for v in numbers) or all(v is None for v in numbers):
        return "withhold"
    return "keep"


def write_arrow(r, path, n):
    people, values = identities(r, n)
    name, kind, cells, spelt = identifying(r, values, n)
    spelt = spelt or [flatten(v) for v in cells]
    fields, arrays, encodings, plain = [], [], {}, []
    for i in range(r.randrange(1, 8)):
        t, make, suited = column(r)
        fields.append(pa.field("c%d" % i, t, metadata={"note": "kept"} if r.random() < 0.3 else None))
        arrays.append(pa.array([make() for _ in range(n)], t))
        if suited and r.random() < 0.5:
            encodings["c%d" % i] = r.choice(suited)
        else:
            plain.append("c%d" % i)
    at = r.randrange(len(fields) + 1)
    required = None not in cells and r.random() < 0.5
    fields.insert(at, pa.field("nhs", kind, nullable=not required))
    arrays.insert(at, pa.array(cells, kind))
    if kind == pa.string() and r.random() < 0.3:
        encodings["nhs"] = r.choice(["DELTA_LENGTH_BYTE_ARRAY", "DELTA_BYTE_ARRAY"])
    elif kind == pa.int64() and r.random() < 0.3:
        encodings["nhs"] = "DELTA_BINARY_PACKED"
    table = pa.Table.from_arrays(arrays, schema=pa.schema(fields, metadata={"origin": "interop"}))
    dictionary = [] if encodings else r.random() < 0.6
    if encodings:
        dictionary = [c for c in plain if r.random() < 0.5] + (["nhs"] if "nhs" not in encodings and r.random() < 0.5 else [])
    pq.write_table(
        table, path, compression=r.choice(["NONE", "SNAPPY", "GZIP", "BROTLI", "ZSTD", "LZ4"]), use_dictionary=dictionary,
        column_encoding=encodings or None, data_page_version=r.choice(["1.0", "2.0"]), data_page_size=r.choice([100, 1000, 20000, 1 << 20]),
        write_batch_size=r.choice([1, 10, 1024]), dictionary_pagesize_limit=r.choice([50, 1000, 1 << 20]),
        row_group_size=r.choice([max(1, n // 5), max(1, n), n + 1, 1 << 20]), write_statistics=r.random() < 0.8, write_page_index=r.random() < 0.5,
        write_page_checksum=r.random() < 0.5, use_deprecated_int96_timestamps=r.random() < 0.2 and not encodings, store_decimal_as_integer=r.random() < 0.3)
    return name, people, spelt


def write_duckdb(r, path, n):
    people, values = identities(r, n)
    kind = r.choice(["VARCHAR", "VARCHAR", "HUGEINT", "DECIMAL(38,10)", "DECIMAL(12,2)", "DECIMAL(12,0)", "UBIGINT"])
    if kind != "VARCHAR":
        values = [None if v == "not a number" else v for v in values]
    c = duckdb.connect()
    frame = pa.table({"nhs": pa.array(values, pa.string()), "i": pa.array(range(n), pa.int64())})
    c.register("frame", frame)
    c.execute("""COPY (SELECT i, nhs::%s AS nhs, DATE '2020-01-01' + (i %% 900)::INT AS day, (i * 7919 %% 1000) / 7.0 AS cost, i %% 3 = 0 AS flag,
        CASE WHEN i %% 5 = 0 THEN NULL ELSE 'ward ' || (i %% 11) END AS ward, [i, i + 1, NULL] AS list, {'a': i, 'b': [nhs]} AS nested,
        MAP {'k': i} AS map, (i %% 100)::DECIMAL(9,2) AS amount, printf('C%%07d', i * 7919 %% 9999991) AS code, (i * 104729 %% 1000003) / 100 AS price, i::HUGEINT AS huge, uuid() AS id, TIME '10:00:00' AS t, INTERVAL (i) DAY AS span,
        repeat('z', (i %% 300)::INT)::BLOB AS raw FROM frame ORDER BY i) TO '%s' (FORMAT parquet, COMPRESSION %s, ROW_GROUP_SIZE %d, PARQUET_VERSION %s)"""
              % (kind, path, r.choice(["uncompressed", "snappy", "gzip", "brotli", "zstd", "lz4_raw"]), r.choice([2048, 122880]), r.choice(["V1", "V2"])))
    return "nhs", people, [[v] for v in values]


def write_polars(r, path, n):
    people, values = identities(r, n)
    frame = pl.DataFrame({"nhs": values, "i": range(n), "x": [r.gauss(0, 1) for _ in range(n)], "word": [r.choice(WORDS) for _ in range(n)],
                          "list": [[r.randrange(9)] * r.randrange(4) for _ in range(n)]},
                         schema_overrides={"nhs": pl.String, "word": pl.Categorical if r.random() < 0.5 else pl.String})
    frame.write_parquet(path, compression=r.choice(["uncompressed", "snappy", "gzip", "brotli", "zstd", "lz4"]), row_group_size=r.choice([max(1, n // 3), n + 1]),
                        data_page_size=r.choice([500, 1 << 20]), statistics=r.choice([True, "full"]))
    return "nhs", people, [[v] for v in values]


def write_pandas(r, path, n):
    people, values = identities(r, n)
    floats = [np.nan if v is None or v == "not a number" else float(v) for v in values]
    frame = pd.DataFrame({"nhs": floats, "day": pd.Timestamp("2021-01-01") + pd.to_timedelta(np.arange(n), "h"), "ward": pd.Categorical([r.choice(WORDS[1:4]) for _ in range(n)])})
    frame.to_parquet(path, engine="pyarrow", compression=r.choice(["snappy", "zstd", None]), index=r.random() < 0.5)
    return "nhs", people, [[None if v == "not a number" else v] for v in values]


WRITERS = [("pyarrow", write_arrow, 7), ("duckdb", write_duckdb, 1), ("polars", write_polars, 1), ("pandas", write_pandas, 1)]


def generate(folder, files, seed):
    cases = []
    for i in range(files):
        r = random.Random("%d/%d" % (seed, i))
        writer, write, _ = r.choices(WRITERS, [w for _, _, w in WRITERS])[0]
        n = r.choice([0, 1, 2, 17, 300, 1000, 3000])
        path = os.path.join(folder, "%03d-%s.parquet" % (i, writer))
        name, people, spelt = write(r, path, n)
        opted_out = set(r.sample(people, int(len(people) * r.choice([0, 0.07, 0.5, 0.97]))))
        cases.append({"input": path, "column": name, "opted_out": sorted(opted_out), "fates": [fate(v, opted_out) for v in spelt]})
    with open(os.path.join(folder, "cases.json"), "w") as f:
        json.dump(cases, f)


def rows(table):
    """The table's content as text that tells all values apart, -0.0 from 0.0 too."""
    return [repr(table.column(i).to_pylist()) for i in range(table.num_columns)]


def verify_output(case, path, wanted):
    source = pq.ParquetFile(case["input"])
    want = source.read().filter(pa.array([f == wanted for f in case["fates"]], pa.bool_()))
    out = pq.ParquetFile(path, page_checksum_verification=True)
    got = out.read()
    assert got.schema.equals(want.schema, check_metadata=True), "schema or metadata differ"
    assert out.metadata.created_by.startswith("noo version "), out.metadata.created_by
    assert rows(got) == rows(want), "values differ"
    assert got.num_rows == case["fates"].count(wanted)
    for g in range(out.metadata.num_row_groups):
        assert out.metadata.row_group(g).num_rows > 0
        assert out.metadata.row_group(g).column(0).compression == source.metadata.row_group(0).column(0).compression
    connection = duckdb.connect()
    count = connection.sql("SELECT count(*) FROM read_parquet('%s')" % path).fetchall()[0][0]
    assert count == got.num_rows, "DuckDB counts %d" % count
    verify_duckdb(connection, case, path, got)
    verify_polars(case, path, got, [out.metadata.row_group(g).num_rows for g in range(out.metadata.num_row_groups)])


def verify_duckdb(connection, case, path, got):
    """DuckDB reads every value, and finds single values by their statistics."""
    try:
        connection.sql("SELECT * FROM read_parquet('%s')" % case["input"]).fetchall()
    except duckdb.Error:
        return  # what it cannot read before it need not read after
    connection.sql("SELECT * FROM read_parquet('%s')" % path).fetchall()
    for i, field in enumerate(got.schema):
        if not (pa.types.is_integer(field.type) or pa.types.is_string(field.type) or pa.types.is_date(field.type)):
            continue
        values = [v for v in got.column(i).to_pylist() if v is not None]
        for value in ([min(values), max(values), values[len(values) // 2]] if values else []):
            found = connection.execute("SELECT count(*) FROM read_parquet('%s') WHERE \"%s\" = ?" % (path, field.name), [value]).fetchall()[0][0]
            assert found == values.count(value), "DuckDB finds %d of %d in %s" % (found, values.count(value), field.name)


def verify_polars(case, path, got, groups):
    """Polars reads it, if it can read the input, and the same records in the same row groups as pyarrow writes them: it panics on some
    nested types when a row group holds only empty ones."""
    same = path + ".same"
    with pq.ParquetWriter(same, got.schema) as writer:
        for start, n in zip(np.cumsum([0] + groups), groups):
            writer.write_table(got.slice(start, n), row_group_size=n)
    try:
        pl.read_parquet(case["input"])
        pl.read_parquet(same)
    except BaseException:
        return
    read = pl.read_parquet(path)
    assert read.height == got.num_rows, "Polars counts %d" % read.height
    if got.num_columns:
        assert read.columns == got.column_names


def verify(folder):
    with open(os.path.join(folder, "cases.json")) as f:
        cases = json.load(f)
    failures = 0
    for case in cases:
        for suffix, wanted in [(".kept", "keep"), (".withheld", "withhold"), (".values", "keep")]:
            try:
                verify_output(case, case["input"] + suffix, wanted)
            except BaseException as e:  # Polars panics with what is no Exception
                failures += 1
                print("%s%s: %s: %s" % (os.path.basename(case["input"]), suffix, type(e).__name__, str(e)[:500]))
    removed = sum(f != "keep" for case in cases for f in case["fates"])
    print("%d files, %d records of which %d removed, %d outputs are wrong" % (len(cases), sum(len(c["fates"]) for c in cases), removed, failures))
    return failures


if __name__ == "__main__":
    if sys.argv[1] == "generate":
        generate(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
    elif verify(sys.argv[2]):
        sys.exit(1)
