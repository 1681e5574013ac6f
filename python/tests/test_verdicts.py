"""verdicts over arrays and tables that are of no DataFrame."""

from __future__ import annotations

import decimal
import random

import nanoarrow
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from drawn import identifying, values

import noo_filter
from noo_filter._settings import Settings
from noo_filter._verdicts import VerdictStream


@pytest.mark.parametrize("seed", range(30))
def test_random_arrays(people, seed):
    r = random.Random(seed)
    numbers = values(r, lambda: r.choice(people.all), r.choice([1, 50, 2000]), 0.1)
    name, ids = identifying(r, numbers)
    if "." in name:
        return  # A list or a struct is no array of numbers.
    want = [people.verdict(n) for n in numbers]
    answer = noo_filter.verdicts(ids)
    assert answer.to_pylist() == want
    assert answer.type == pa.dictionary(pa.int8(), pa.string())
    assert isinstance(answer, pa.DictionaryArray)
    start = r.randrange(len(numbers))
    assert noo_filter.verdicts(ids[start:]).to_pylist() == want[start:]
    chunked = pa.chunked_array([ids[:start], ids[start:start], ids[start:]])
    answers = noo_filter.verdicts(chunked)
    assert isinstance(answers, pa.ChunkedArray)
    assert answers.to_pylist() == want
    kept = pa.array(range(len(numbers))).filter(pc.equal(answers.cast(pa.string()), "kept"))
    assert kept.to_pylist() == [i for i, verdict in enumerate(want) if verdict == "kept"]


def test_lists(people):
    gone = sorted(people.gone)[0]
    here = people.here[0]
    for data, want in (
        ([here, gone, None, "nobody"], ["kept", "opted_out", "missing", "invalid"]),
        ((int(here), int(gone)), ["kept", "opted_out"]),
        ([decimal.Decimal(gone)], ["opted_out"]),
        (np.array([int(gone), 5]), ["opted_out", "invalid"]),
        (np.array([float(gone), np.nan]), ["opted_out", "missing"]),
        (nanoarrow.Array([gone, here], nanoarrow.string()), ["opted_out", "kept"]),
        ([], []),
        ([None, None], ["missing", "missing"]),
        ([[gone, here], []], ["opted_out", "missing"]),
    ):
        assert noo_filter.verdicts(data).to_pylist() == want


def test_tables(people):
    gone = sorted(people.gone)[0]
    here = people.here[0]
    table = pa.table({"mother": [here, here, gone], "baby": [here, gone, None]})
    want = ["kept", "opted_out", "opted_out"]
    for source in (table, table.to_batches()[0], table.to_reader(), nanoarrow.ArrayStream(table)):
        assert noo_filter.verdicts(source).to_pylist() == want


def test_many_pieces(people):
    rows = 300_000
    numbers = [people.all[i % len(people.all)] for i in range(rows)]
    want = [people.verdict(n) for n in people.all] * (rows // len(people.all))
    assert noo_filter.verdicts(pa.array(numbers)).to_pylist() == want


def test_policies(people):
    with pytest.raises(noo_filter.DisclosureError):
        noo_filter.verdicts([people.here[0], None], missing="fail")
    assert noo_filter.verdicts([None], missing="keep").to_pylist() == ["missing"]
    with pytest.raises(TypeError):
        noo_filter.verdicts([None], column="x")


def test_columns_of_the_environment(people, monkeypatch):
    """Settings for the columns of files do not choose columns here."""
    monkeypatch.setenv("NOO_COLUMN", "patient")
    monkeypatch.setenv("NOO_ALLOW_COLUMN", "mother")
    table = pa.table({"mother": sorted(people.gone)[:1], "baby": people.here[:1]})
    assert noo_filter.verdicts(people.here[:1]).to_pylist() == ["kept"]
    assert noo_filter.verdicts(table).to_pylist() == ["opted_out"]


def test_refused(people):
    person = people.here[0]
    for data in (person, person.encode(), {person: [person]}):
        with pytest.raises(noo_filter.UsageError, match="want an array, a list or a table"):
            noo_filter.verdicts(data)
    for data in ([person, 5], object(), [object()], 5, [1.5j], [True]):
        with pytest.raises(noo_filter.NooError) as caught:
            noo_filter.verdicts(data)
        assert person not in str(caught.value)
        assert caught.value.__cause__ is None
        assert caught.value.__context__ is None


def test_stream(people, tmp_path):
    """What engines use: one process for many batches, with a report."""
    schema = pa.schema([("nhs_number", pa.string())])
    r = random.Random(3)
    report = tmp_path / "report.json"
    with VerdictStream(schema, Settings(), str(report)) as stream:
        for size in (0, 1, 100, 70000):
            numbers = [r.choice(people.all) for _ in range(size)]
            batch = pa.record_batch([pa.array(numbers, pa.string())], schema=schema)
            answer = stream.answer(batch)
            assert answer.to_pylist() == [people.verdict(n) for n in numbers]
    assert noo_filter.Report.from_json(report.read_text()).read == 70101
    with VerdictStream(schema, Settings()):
        pass  # A partition without batches.
    with (
        pytest.raises(noo_filter.SnapshotError),
        VerdictStream(schema, Settings(max_age="1s")) as stream,
    ):
        import time

        time.sleep(1.5)
        stream.answer(pa.record_batch([pa.array(["x"])], schema=schema))
    with pytest.raises(RuntimeError), VerdictStream(schema, Settings()) as stream:
        raise RuntimeError
    stream.kill()
