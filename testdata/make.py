"""Makes the Parquet and Arrow files that are checked in. Run by hand, with pyarrow, from the root of the checkout:

    python testdata/make.py

cmd/noo/demo/extract.parquet is the demonstration's extract with typed columns. testdata/nested.parquet has what tests of
the command want: a number in a struct, one as an integer with nulls, and a list of numbers. All numbers are of the range
that is never issued. testdata/second.parquet is for the preflight: by its side, every column but the note holds NHS numbers, each
in another way. testdata/decimals.parquet holds them as databases give them that have no integers of ten digits, and in each column
somebody else has opted out. testdata/disputed.parquet has a column whose annotations contradict one another.
"""

import csv
import decimal

import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as pq

rows = list(csv.DictReader(open("cmd/noo/demo/extract.csv", newline="")))
pq.write_table(
    pa.table(
        {
            "episode": pa.array([int(r["episode"]) for r in rows], pa.int64()),
            "nhs_number": [r["nhs_number"] or None for r in rows],
            "sex": pa.array([r["sex"] for r in rows]).dictionary_encode(),
            "birth_year": pa.array([int(r["birth_year"]) for r in rows], pa.int16()),
            "ward": [r["ward"] for r in rows],
            "note": [r["note"] or None for r in rows],
            "cost": [float(r["cost"]) for r in rows],
        }
    ),
    "cmd/noo/demo/extract.parquet",
)

people = [
    # patient, mother, contacts, note
    ("9995609649", 9926702066, ["9993075051"], "nobody opted out"),
    ("9434765919", 9926702066, [], "patient opted out"),
    ("9995609649", 9836044507, [], "mother opted out"),
    ("999 560 9649", None, ["9993075051", "9342852491"], "contact opted out"),
    ("9995609649", None, None, "no mother"),
    (None, None, [], "nobody at all"),
    ("9995609640", 9926702066, [], "invalid"),
]
pq.write_table(
    pa.table(
        {
            "patient": [{"nhs": p, "sex": "F"} for p, _, _, _ in people],
            "mother_nhs": pa.array([m for _, m, _, _ in people], pa.int64()),
            "contacts": pa.array([c for _, _, c, _ in people], pa.list_(pa.string())),
            "note": [n for _, _, _, n in people],
        }
    ),
    "testdata/nested.parquet",
    row_group_size=3,
)
pq.write_table(
    pa.table({"nhs_number": ["9434765919", "9995609649"], "weight": [1.5, 2.5]}),
    "testdata/flat.parquet",
    compression="zstd",
)


def number(key):
    """Completes nine digits with the check digit, or gives None where there is none."""
    digit = (11 - sum((10 - i) * int(d) for i, d in enumerate(str(key))) % 11) % 11
    return f"{key}{digit}" if digit < 10 else None


numbers = [n for n in map(number, range(999_100_000, 999_100_200)) if n][:40]
grouped = [f"{n[:3]} {n[3:6]} {n[6:]}" for n in numbers]
pq.write_table(
    pa.table(
        {
            "nhs_number": numbers,
            "episodes": [[{"ward": "A", "seen_by": g}, {"ward": "B", "seen_by": None}] for g in grouped],
            "as_double": pa.array([float(n) for n in numbers], pa.float64()),
            "as_decimal": pa.array([decimal.Decimal(n) for n in numbers], pa.decimal128(38, 10)),
            "coded": pa.array(numbers).dictionary_encode(),
            "note": ["seen" for _ in numbers],
        }
    ),
    "testdata/second.parquet",
    row_group_size=15,
)


def with_opted_out(row):
    """The numbers, with those of opted-out people in one row and the rows after it."""
    return numbers[:row] + ["9434765919", "9836044507"] + numbers[row + 2 :]


pq.write_table(
    pa.table(
        {
            "nhs_number": pa.array([decimal.Decimal(n) for n in with_opted_out(3)], pa.decimal128(38, 10)),
            "cost": pa.array([decimal.Decimal(n * 37) / 4 for n in range(-3, 37)], pa.decimal128(12, 2)),
            "seen_by": pa.array([decimal.Decimal(n) for n in with_opted_out(10)], pa.decimal256(76, 20)),
            "referred_by": pa.array([decimal.Decimal(n) for n in with_opted_out(16)], pa.decimal128(12, 2)),
            "unsigned": pa.array([int(n) for n in with_opted_out(22)], pa.uint64()),
            "int128": pa.array([int(n).to_bytes(16, "big") for n in with_opted_out(28)], pa.binary(16)),
        }
    ),
    "testdata/decimals.parquet",
    row_group_size=15,
)
pq.write_table(
    pa.table(
        {
            "nhs_number": numbers,
            "seen_by": pa.array([decimal.Decimal(n) for n in numbers], pa.decimal128(38, 10)),
        }
    ),
    "testdata/disputed.parquet",
)
with open("testdata/disputed.parquet", "rb") as file:
    data = file.read()
# The element says the scale twice, before the precision: alone, and (after the byte 0x2c) in the logical type. The first becomes 0.
assert data.count(b"\x15\x14\x15\x4c\x2c") == 1
with open("testdata/disputed.parquet", "wb") as file:
    file.write(data.replace(b"\x15\x14\x15\x4c\x2c", b"\x15\x00\x15\x4c\x2c"))


def arrow():
    """Arrow files and streams with the records of the Parquet files, and some that noo refuses."""
    flat, nested = pq.read_table("testdata/flat.parquet"), pq.read_table("testdata/nested.parquet")
    with pa.OSFile("testdata/flat.arrow", "wb") as out, pa.ipc.new_file(out, flat.schema, options=pa.ipc.IpcWriteOptions(compression="zstd")) as writer:
        writer.write_table(flat)
    with pa.OSFile("testdata/flat.arrows", "wb") as out, pa.ipc.new_stream(out, flat.schema) as writer:
        writer.write_table(flat, max_chunksize=1)
    with pa.OSFile("testdata/nested.arrow", "wb") as out, pa.ipc.new_file(out, nested.schema) as writer:
        writer.write_table(nested, max_chunksize=3)
    coded = pa.table({"nhs_number": flat["nhs_number"].dictionary_encode(), "ward": pa.array(["ward of one who goes", "ward of one who stays"]).dictionary_encode()})
    for name, new in (("testdata/dictionary.arrow", pa.ipc.new_file), ("testdata/dictionary.arrows", pa.ipc.new_stream)):
        with pa.OSFile(name, "wb") as out, new(out, coded.schema) as writer:
            writer.write_table(coded)
    feather.write_feather(flat, "testdata/version1.feather", version=1)
    named = flat.replace_schema_metadata({"index": '["9434765919"]'})
    with pa.OSFile("testdata/told.arrow", "wb") as out, pa.ipc.new_file(out, named.schema) as writer:
        writer.write_table(named)
    # For noo verdicts: kept, opted out, missing, invalid, kept, opted out, and a number that was hidden.
    numbers = pa.table({
        "nhs_number": ["9995609649", "9434765919", None, "9995609640", "999 560 9649", "9995609649", "tel 9434765919"],
        "mother_nhs": pa.array([None, None, None, None, 9926702066, 9836044507, None], pa.int64()),
    })
    mixed = numbers.append_column("dead", pa.array([True] * 7))
    for name, table in (("numbers", numbers), ("mixed", mixed)):
        with pa.OSFile("testdata/%s.arrows" % name, "wb") as out, pa.ipc.new_stream(out, table.schema) as writer:
            writer.write_table(table, max_chunksize=2)


arrow()
