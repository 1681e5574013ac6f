"""Interoperability of noo with the programs that write and read Arrow IPC files and streams.

interop.py WORK NOO FILES SEED  writes FILES files and streams with random types by pyarrow, Polars and DuckDB, filters them with
the program NOO, compares the outputs with what pyarrow's own filter makes of the inputs, and opens them with pyarrow, Polars and
DuckDB. Everything follows from SEED. The numbers are from the range that is never issued (they start with 9).
"""

import contextlib
import datetime
import decimal
import os
import random
import subprocess
import sys

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

WORDS = ["", "a", "Leeds", "naïve", "x" * 40, "ward-1", "a text that is longer than twelve bytes", "ünïcödé"]


def number(r):
    """A number from the test range with the right check digit."""
    while True:
        digits = [9] + [r.randrange(10) for _ in range(8)]
        check = (11 - sum(d * w for d, w in zip(digits, range(10, 1, -1))) % 11) % 11
        if check < 10 and len(set(digits + [check])) > 1:
            return "".join(map(str, digits + [check]))


@contextlib.contextmanager
def quiet():
    """Keeps from the terminal what Polars prints when it panics."""
    kept, null = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(null)


def values(r, make, n, rate=0.1):
    return [None if r.random() < rate else make() for _ in range(n)]


def column(r, n, depth=0):
    """A column of a random type."""
    texts = lambda: r.choice(WORDS) + (str(r.randrange(1000)) if r.random() < 0.5 else "")
    shape = r.randrange(30)
    if shape < 11 or depth == 2:
        some = [
            (pa.string(), texts), (pa.large_string(), texts), (pa.string_view(), texts), (pa.binary(), lambda: texts().encode()),
            (pa.binary_view(), lambda: texts().encode()), (pa.binary(3), lambda: bytes(r.randrange(256) for _ in range(3))),
            (pa.int8(), lambda: r.randrange(-128, 128)), (pa.uint16(), lambda: r.randrange(65536)), (pa.int32(), lambda: r.randrange(10**6)),
            (pa.int64(), lambda: r.randrange(10**8)), (pa.float32(), lambda: float(r.randrange(1000))), (pa.float64(), lambda: r.choice([r.random(), float("nan"), -0.0])),
            (pa.bool_(), lambda: r.random() < 0.5), (pa.date32(), lambda: datetime.date(2020, 1, 1) + datetime.timedelta(r.randrange(999))),
            (pa.timestamp("us", "UTC"), lambda: datetime.datetime(2020, 1, 1, tzinfo=datetime.timezone.utc) + datetime.timedelta(seconds=r.randrange(10**6))),
            (pa.time64("us"), lambda: datetime.time(r.randrange(24), r.randrange(60))), (pa.duration("ms"), lambda: datetime.timedelta(seconds=r.randrange(999))),
            (pa.decimal128(20, 2), lambda: decimal.Decimal(r.randrange(10**6)).scaleb(-2)), (pa.decimal256(50, 5), lambda: decimal.Decimal(r.randrange(10**6)).scaleb(-5)),
            (pa.decimal32(7, 2), lambda: decimal.Decimal(r.randrange(10**6)).scaleb(-2)), (pa.null(), lambda: None),
        ]
        kind, make = r.choice(some)
        return pa.array(values(r, make, n), kind)
    if shape < 15:
        index = r.choice([pa.int8(), pa.uint8(), pa.int16(), pa.int32(), pa.int64()])
        inner = pa.array(list(dict.fromkeys(texts() for _ in range(20))), r.choice([pa.string(), pa.large_string(), pa.string_view()]))
        return pa.DictionaryArray.from_arrays(pa.array(values(r, lambda: r.randrange(len(inner)), n), index), inner)
    if shape < 18:
        ends, at = [], 0
        while at < n:
            at = min(n, at + r.randrange(1, 9))
            ends.append(at)
        return pa.RunEndEncodedArray.from_arrays(pa.array(ends, pa.int32()), pa.array(values(r, texts, len(ends))))
    if shape < 21:
        sizes = [r.randrange(4) for _ in range(n)]
        offsets = [0]
        for size in sizes:
            offsets.append(offsets[-1] + size)
        child = column(r, offsets[-1], depth + 1)
        if r.random() < 0.3:
            return pa.ListViewArray.from_arrays(pa.array(offsets[:-1], pa.int32()), pa.array(sizes, pa.int32()), child)
        if r.random() < 0.3:
            return pa.LargeListArray.from_arrays(pa.array(offsets, pa.int64()), child)
        nulls = [None if r.random() < 0.1 else o for o in offsets[:-1]] + offsets[-1:]
        return pa.ListArray.from_arrays(pa.array(nulls, pa.int32()), child)
    if shape < 25:
        children = [column(r, n, depth + 1) for _ in range(r.randrange(1, 4))]
        mask = pa.array([r.random() < 0.1 for _ in range(n)])
        return pa.StructArray.from_arrays(children, ["a", "b", "c"][: len(children)], mask=mask)
    if shape == 25:
        return pa.array([[("k%d" % k, r.randrange(99)) for k in range(r.randrange(3))] for _ in range(n)], pa.map_(pa.string(), pa.int32()))
    if shape == 26:
        return pa.FixedSizeListArray.from_arrays(column(r, 2 * n, depth + 1), 2)
    if shape == 27:
        types = [r.randrange(2) for _ in range(n)]
        return pa.UnionArray.from_sparse(pa.array(types, pa.int8()), [column(r, n, 2), column(r, n, 2)])
    if shape == 28:
        types, offsets, counts = [], [], [0, 0]
        for _ in range(n):
            types.append(r.randrange(2))
            offsets.append(counts[types[-1]])
            counts[types[-1]] += 1
        return pa.UnionArray.from_dense(pa.array(types, pa.int8()), pa.array(offsets, pa.int32()), [column(r, c, 2) for c in counts])
    # a dictionary of structs with a dictionary in them
    inner = pa.DictionaryArray.from_arrays(pa.array([k % 3 for k in range(9)], pa.int8()), pa.array(["red", "green", "blue"]))
    structs = pa.StructArray.from_arrays([inner, pa.array([str(k) for k in range(9)])], ["colour", "place"])
    return pa.DictionaryArray.from_arrays(pa.array(values(r, lambda: r.randrange(9), n), pa.int16()), structs)


def polars_column(r, n):
    """A column that Polars makes itself."""
    texts = [r.choice(WORDS) for _ in range(n)]
    nulls = lambda xs: [None if r.random() < 0.1 else x for x in xs]
    some = [pl.Series(nulls(texts)), pl.Series(nulls(texts), dtype=pl.Categorical), pl.Series([r.randrange(99) for _ in range(n)], dtype=pl.Int32),
            pl.Series(nulls([[x, "y"] for x in texts])), pl.Series(nulls([{"a": x, "b": 1} for x in texts]), dtype=pl.Struct({"a": pl.String, "b": pl.Int64})),
            pl.Series([x.encode() for x in texts]), pl.Series([r.random() for _ in range(n)])]
    arrow = r.choice(some).to_arrow()
    return arrow if isinstance(arrow, pa.Array) else arrow.combine_chunks()


def identifying(r, numbers):
    """The numbers of the records in a random type, and the name of the column that has them."""
    form = r.choice(["string", "large", "view", "binary", "fixed", "int64", "uint64", "float64", "decimal", "scaled", "dictionary", "runs", "list", "struct"])
    texts = pa.array(numbers, pa.string())
    if form in ("string", "large", "view", "binary"):
        kind = {"string": pa.string(), "large": pa.large_string(), "view": pa.string_view(), "binary": pa.binary()}[form]
        return "nhs_number", pa.array(numbers, pa.string()).cast(kind)
    if form == "fixed":
        return "nhs_number", pa.array([None if x is None else x.encode() for x in numbers], pa.binary(10))
    whole = [None if x is None else int(x) for x in numbers]
    if form in ("int64", "uint64"):
        return "nhs_number", pa.array(whole, getattr(pa, form)())
    if form == "float64":
        return "nhs_number", pa.array([None if x is None else float(x) for x in whole], pa.float64())
    if form in ("decimal", "scaled"):
        kind = pa.decimal128(38, 0 if form == "decimal" else 10)
        return "nhs_number", pa.array([None if x is None else decimal.Decimal(x) for x in whole], kind)
    if form == "dictionary":
        return "nhs_number", texts.dictionary_encode()
    if form == "runs":
        return "nhs_number", pc.run_end_encode(texts)
    if form == "list":
        return "nhs_number.item", pa.array([None if x is None else [x] for x in numbers], pa.list_(pa.field("item", pa.string())))
    return "patient.nhs_number", pa.StructArray.from_arrays([texts], ["nhs_number"])


def batches_of(r, table):
    """The table in batches, of which some are slices of larger ones."""
    batches = table.combine_chunks().to_batches()
    if r.random() < 0.3 or not batches:
        return batches
    whole, parts, at = batches[0], [], 0
    while at < whole.num_rows:
        size = r.choice([1, 7, 50, 200])
        parts.append(whole.slice(at, size))
        at += size
    return parts


def write(r, table, path):
    """Writes the table with pyarrow or Polars; returns how."""
    stream = path.endswith(".arrows")
    compression = r.choice([None, None, "lz4", "zstd"])
    if r.random() < 0.5:
        try:
            with quiet():
                frame = pl.from_arrow(table)
                if stream:
                    frame.write_ipc_stream(path, compression=compression or "uncompressed")
                else:
                    frame.write_ipc(path, compression=compression or "uncompressed")
            return "polars"
        except BaseException as e:  # Polars does not have all types, and panics on some
            if not isinstance(e, Exception) and "Panic" not in type(e).__name__:
                raise
    options = pa.ipc.IpcWriteOptions(compression=compression, emit_dictionary_deltas=r.random() < 0.5, unify_dictionaries=not stream and not has_nested_dictionary(table.schema))
    new = pa.ipc.new_stream if stream else pa.ipc.new_file
    with pa.OSFile(path, "wb") as out, new(out, table.schema, options=options) as writer:
        for batch in batches_of(r, table):
            writer.write_batch(batch, custom_metadata={"source": "a test"})
    return "pyarrow"


def has_nested_dictionary(schema):
    return any(pa.types.is_dictionary(f.type) and pa.types.is_struct(f.type.value_type) for f in schema)


def read(path):
    with pa.OSFile(path) as f:
        return (pa.ipc.open_stream(f) if path.endswith(".arrows") else pa.ipc.open_file(f)).read_all()


def plain(table):
    """All values of a table, to be compared; NaN is the same as NaN."""
    return repr(table.to_pylist())


def filtered(noo, path, out, column, *flags):
    command = [noo, "filter", path, "-o", out, "--column", column, "--missing", "keep", "--force-column", "--quiet", "--force"]
    return subprocess.run(command + list(flags), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def one(r, work, noo, people, gone, i, seen):
    n = r.choice([1, 20, 300, 3000])
    numbers = values(r, lambda: r.choice(people), n, 0.05)
    name, ids = identifying(r, numbers)
    names, columns = [name.split(".")[0]], [ids]
    simple = r.random() < 0.4  # what Polars can write
    for c in range(r.randrange(1, 6)):
        names.append("c%d" % c)
        columns.append(column(r, n) if not simple else polars_column(r, n))
    schema = pa.schema([pa.field(x, c.type, metadata={"kept": "yes"}) for x, c in zip(names, columns)], metadata={"made": "by a test"})
    table = pa.Table.from_arrays(columns, schema=schema)
    suffix = r.choice([".arrow", ".arrows"])
    path, out = os.path.join(work, "in%d%s" % (i, suffix)), os.path.join(work, "out%d%s" % (i, suffix))
    writer = write(r, table, path)
    run = filtered(noo, path, out, name, *r.choice([(), (), ("--read-back", "independent")]))
    assert run.returncode == 0, (i, writer, run.stdout, table.schema)
    before, after = read(path), read(out)
    after.validate(full=True)
    assert after.schema.equals(before.schema, check_metadata=True), (i, writer)
    keep = [k for k, x in enumerate(numbers) if x is None or x not in gone]
    want = before.to_pylist()
    assert repr([want[k] for k in keep]) == plain(after), (i, writer, table.schema)
    data = open(out, "rb").read()
    for x in gone.intersection(x for x in numbers if x):
        assert x.encode() not in data, (i, writer, "a number is left")
    seen[writer] = seen.get(writer, 0) + 1
    # What reads the input reads the output.
    for reader, opens in READERS.items():
        try:
            with quiet():
                rows = opens(path)
        except BaseException as e:
            if isinstance(e, KeyboardInterrupt):
                raise
            continue
        assert rows == len(numbers), (i, reader)
        assert opens(out) == len(keep), (i, writer, reader)
        seen["read by " + reader] = seen.get("read by " + reader, 0) + 1


def polars_rows(path):
    return (pl.read_ipc_stream(path) if path.endswith(".arrows") else pl.read_ipc(path, memory_map=False)).height


def polars_mapped_rows(path):
    if path.endswith(".arrows"):
        raise ValueError("no file")
    return pl.scan_ipc(path).collect().height


def duckdb_rows(path):
    arrow = read(path)  # DuckDB reads it through Arrow's C interface
    with duckdb.connect() as connection:  # one that failed is of no use
        return len(connection.sql("SELECT * FROM arrow").fetchall())


READERS = {"Polars": polars_rows, "Polars, lazily": polars_mapped_rows, "DuckDB": duckdb_rows}


def duckdb_file(work, noo, people, gone):
    """A file as DuckDB hands its results over."""
    reader = duckdb.sql("SELECT unnest(%r) AS nhs_number, 'ward ' || (random() * 9)::INT AS ward, random()::DECIMAL(9, 3) AS cost, [1, 2] AS list" % people).to_arrow_reader(17)
    path = os.path.join(work, "duckdb.arrows")
    with pa.OSFile(path, "wb") as out, pa.ipc.new_stream(out, reader.schema) as writer:
        for batch in reader:
            writer.write_batch(batch)
    run = filtered(noo, path, path + ".out.arrows", "nhs_number")
    assert run.returncode == 0, run.stdout
    assert read(path + ".out.arrows").num_rows == len(people) - len(gone)


def verdicts(r, noo, people, gone):
    """Talks to noo verdicts batch by batch, as an engine does: each is sent when the one before is answered."""
    schema = pa.schema([("nhs_number", pa.string())])
    process = subprocess.Popen([noo, "verdicts", "-", "-o", "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    answers = None
    with pa.ipc.new_stream(process.stdin, schema) as writer:
        process.stdin.flush()
        for _ in range(50):
            numbers = values(r, lambda: r.choice(people + ["nobody"]), r.choice([0, 1, 100, 70000]))
            writer.write_batch(pa.record_batch([pa.array(numbers, pa.string())], schema=schema))
            process.stdin.flush()
            answers = answers or pa.ipc.open_stream(process.stdout)
            answer = answers.read_next_batch()
            want = ["missing" if x is None else "invalid" if x == "nobody" else "opted_out" if x in gone else "kept" for x in numbers]
            assert answer.column("verdict").to_pylist() == want
    process.stdin.flush()
    try:  # the mark at the end is enough: standard input is still open
        answers.read_next_batch()
        raise AssertionError("more answers than batches")
    except StopIteration:
        pass
    assert process.wait(timeout=60) == 0
    process.stdin.close()


def main():
    work, noo, files, seed = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    r = random.Random(seed)
    people = list(dict.fromkeys(number(r) for _ in range(200)))
    gone = set(r.sample(people, 20))
    with open(os.path.join(work, "optouts.txt"), "w") as f:
        f.writelines(x + "\n" for x in sorted(gone))
    run = lambda *args: subprocess.run([noo, *args], check=True, stdout=subprocess.DEVNULL, cwd=work)
    run("key", "generate", "--name", "publisher", "--no-password")
    run("snapshot", "build", "optouts.txt", "-o", "optouts.noo", "--key", "publisher.key")
    os.environ.update(NOO_SNAPSHOT=os.path.join(work, "optouts.noo"), NOO_TRUSTED_KEYS=os.path.join(work, "publisher.pub"), NOO_STATE_DIR=os.path.join(work, "state"))
    seen = {}
    for i in range(files):
        one(random.Random("%d-%d" % (seed, i)), work, noo, people, gone, i, seen)
    duckdb_file(work, noo, people, gone)
    verdicts(r, noo, people, gone)
    enum = pl.DataFrame({"nhs_number": people}).with_columns(e=pl.lit("a", pl.Enum(["a", "b"])))
    enum.write_ipc(os.path.join(work, "enum.arrow"))
    refused = filtered(noo, os.path.join(work, "enum.arrow"), os.path.join(work, "enum_out.arrow"), "nhs_number")
    assert refused.returncode == 4 and "Enum" in refused.stdout, refused
    for what in ("pyarrow", "polars", "read by Polars", "read by Polars, lazily", "read by DuckDB"):
        assert seen.get(what, 0) >= files // 20, seen
    print("Arrow: %d files and streams, %s" % (files, seen))


if __name__ == "__main__":  # python/tests draw their tables here too
    main()
