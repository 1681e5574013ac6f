"""Makes the Parquet files that are checked in. Run by hand, with pyarrow, from the root of the checkout:

    python testdata/make.py

cmd/noo/demo/extract.parquet is the demonstration's extract with typed columns. testdata/nested.parquet has what tests of
the command want: a number in a struct, one as an integer with nulls, and a list of numbers. All numbers are of the range
that is never issued.
"""

import csv

import pyarrow as pa
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
