"""filter over Arrow tables, beside a plain reference."""

from __future__ import annotations

import os
import pickle
import random
import threading

import nanoarrow
import pyarrow as pa
import pytest
from drawn import column, identifying, number, values

import noo_filter


def _table(r: random.Random, people, rows: int) -> tuple[pa.Table, str, list]:
    """A table of random types, the name of its identifying column, and the numbers in it."""
    numbers = values(r, lambda: r.choice(people.all), rows, 0.05)
    name, ids = identifying(r, numbers)
    others = {f"c{i}": column(r, rows) for i in range(r.randrange(1, 6))}
    columns = {name.split(".")[0]: ids, **others}
    fields = [pa.field(n, c.type, metadata={"kept": "yes"}) for n, c in columns.items()]
    schema = pa.schema(fields, metadata={"made": "by a test"})
    return pa.Table.from_arrays(list(columns.values()), schema=schema), name, numbers


def _assert_without(result: object, gone: frozenset[str]) -> None:
    """No byte of a result may show somebody who opted out."""
    held = pickle.dumps(result)
    for person in gone:
        assert person.encode() not in held


@pytest.mark.parametrize("seed", range(60))
def test_random_tables(people, seed):
    r = random.Random(seed)
    table, name, numbers = _table(r, people, r.choice([1, 20, 300, 3000]))
    given = table
    if r.random() < 0.5:
        # A slice of a larger table, whose other records no result may show.
        start = r.randrange(table.num_rows)
        given = table.slice(start, r.randrange(table.num_rows - start + 1))
        numbers = numbers[start : start + given.num_rows]
    if r.random() < 0.3:
        given = pa.concat_tables([given, given])
        numbers = numbers * 2
    result, report = noo_filter.filter(given, column=name, missing="keep", force_column=True)

    result.validate(full=True)
    kept = [i for i, n in enumerate(numbers) if n is None or n not in people.gone]
    want = given.to_pylist()
    assert repr(result.to_pylist()) == repr([want[i] for i in kept])
    assert result.schema.equals(given.schema, check_metadata=True)
    _assert_without(result, people.gone)
    assert report.read == len(numbers)
    assert report.written == len(kept)
    assert report.missing == numbers.count(None)
    assert report.kept + report.opted_out + report.missing == report.read
    assert report.columns == (name,)


def test_report(people):
    numbers = [people.here[0], sorted(people.gone)[0], None, "nobody"]
    table = pa.table({"nhs_number": numbers, "x": range(4)})
    result, report = noo_filter.filter(table)
    assert result.to_pydict() == {"nhs_number": numbers[:1], "x": [0]}
    assert (report.read, report.kept, report.opted_out, report.missing) == (4, 1, 1, 1)
    assert (report.invalid, report.unchecked, report.written, report.disguised) == (1, 0, 1, 0)
    assert report.raw["schema"] == "noo/report/v1"
    assert report.raw["policy"]["missing"] == "withhold"
    assert pickle.loads(pickle.dumps(report)) == report


def test_forms_of_numbers(people):
    r = random.Random(4)
    made = []
    for _ in range(500):
        person = r.choice(people.all)
        grouped = f"{person[:3]} {person[3:6]} {person[6:]}"
        forms = [
            person,
            grouped,
            grouped.replace(" ", "-"),
            f" {person} ",
            f"'{person}",
            f"{person}.0",
        ]
        forms += [None, "", "NULL", "n/a"[:2], "12", person[:9], person[::-1], "word", "9" * 10]
        made.append(r.choice(forms))
    table = pa.table({"nhs_number": made, "i": range(500)})
    result, report = noo_filter.filter(table)
    verdicts = [people.verdict(value) for value in made]
    assert result["i"].to_pylist() == [i for i, v in enumerate(verdicts) if v == "kept"]
    for verdict in ("kept", "opted_out", "missing", "invalid", "unchecked"):
        assert getattr(report, verdict) == verdicts.count(verdict), verdict
    assert noo_filter.verdicts(made).to_pylist() == verdicts


def test_other_sources(people):
    table = pa.table({"nhs_number": people.all, "i": range(len(people.all))})
    want, _ = noo_filter.filter(table)
    batch = table.to_batches()[0]
    for source in (batch, table.to_reader(), nanoarrow.ArrayStream(table), table.to_reader(7)):
        result, _ = noo_filter.filter(source)
        assert isinstance(result, pa.Table)
        assert result.equals(want)


def test_large_batches_are_cut(people):
    """One batch of 300,000 records goes in pieces; the texts of views go once."""
    rows = 300_000
    numbers = [people.all[i % len(people.all)] for i in range(rows)]
    for kind in (pa.string(), pa.string_view()):
        table = pa.table({"nhs_number": pa.array(numbers, kind), "i": range(rows)})
        result, _ = noo_filter.filter(table)
        assert result["i"].to_pylist() == [i for i, n in enumerate(numbers) if n not in people.gone]


def test_empty_tables(people):
    table = pa.table({"nhs_number": pa.array([], pa.string()), "x": pa.array([], pa.int8())})
    result, report = noo_filter.filter(table)
    assert result.equals(table)
    assert report.read == 0
    everybody_gone = pa.table({"nhs_number": sorted(people.gone)})
    result, report = noo_filter.filter(everybody_gone)
    assert result.num_rows == 0
    assert result.schema == everybody_gone.schema
    with pytest.raises(noo_filter.UsageError):
        noo_filter.filter(pa.table({}))


def test_no_tables(people, tmp_path):
    for wrong in (None, "extract.csv", tmp_path, 5, [1], {"nhs_number": []}):
        with pytest.raises(noo_filter.UsageError, match="want a table"):
            noo_filter.filter(wrong)
    with pytest.raises(noo_filter.InputError, match="could not be read as an Arrow table"):
        noo_filter.filter(pa.chunked_array([["x"]]))


def test_a_second_column(people):
    """The promises of noo filter hold: a second column with numbers stops it."""
    table = pa.table({"nhs_number": people.here, "mother": people.here[::-1]})
    with pytest.raises(noo_filter.UsageError, match="column mother"):
        noo_filter.filter(table)
    assert noo_filter.filter(table, allow_column="mother")[0].num_rows == len(people.here)
    assert noo_filter.filter(table, column=["nhs_number", "mother"])[0].num_rows == len(people.here)


def test_the_watch(people):
    """A number of somebody who opted out far behind the sample stops the run."""
    rows = 5000
    notes = [""] * rows
    for i, person in enumerate(sorted(people.gone)):
        notes[4000 + i] = person
    numbers = [people.here[i % len(people.here)] for i in range(rows)]
    with pytest.raises(noo_filter.UsageError, match="note") as caught:
        noo_filter.filter(pa.table({"nhs_number": numbers, "note": notes}))
    assert not any(person in str(caught.value) for person in people.all)


def test_dictionaries_are_cut_down(people):
    secrets = [f"the secret of {n}" for n in people.all]
    table = pa.table({"nhs_number": people.all})
    table = table.append_column("secret", pa.array(secrets).dictionary_encode())
    nested = pa.array(
        [[s] for s in secrets], pa.list_(pa.field("item", pa.dictionary(pa.int16(), pa.string())))
    )
    table = table.append_column("nested", nested)
    result, _ = noo_filter.filter(table, allow_column=["secret", "nested.item"])
    assert result["secret"].to_pylist() == [f"the secret of {n}" for n in people.here]
    assert result.schema == table.schema
    _assert_without(result, people.gone)


def test_policies(people):
    table = pa.table({"nhs_number": [people.here[0], None, "nobody"]})
    assert noo_filter.filter(table, missing="keep")[0].num_rows == 2
    assert noo_filter.filter(table, invalid="keep")[0].num_rows == 2
    for policy in ("missing", "invalid"):
        with pytest.raises(noo_filter.DisclosureError) as caught:
            noo_filter.filter(table, **{policy: "fail"})
        assert caught.value.exit_code == 1
    with pytest.raises(noo_filter.UsageError):
        noo_filter.filter(table, unchecked="keep")
    assert noo_filter.filter(table, missing_value="nobody")[1].missing == 2


def test_pseudonyms(people, tmp_path):
    import hashlib
    import hmac

    key = bytes(range(32))
    file = tmp_path / "key.hex"
    file.write_text(key.hex())
    file.chmod(0o600)
    hashes = [hmac.new(key, n.encode(), hashlib.sha256).hexdigest() for n in people.all]
    table = pa.table({"pseudo_id": hashes, "i": range(len(hashes))})
    how = {"column": "pseudo_id", "pseudonym": "hmac-sha256", "pseudonym_key": file}
    result, _ = noo_filter.filter(table, **how)
    assert result["i"].to_pylist() == [i for i, n in enumerate(people.all) if n not in people.gone]
    with pytest.raises(noo_filter.UsageError, match="no pseudonym"):
        noo_filter.filter(result, **how)
    assert noo_filter.filter(result, allow_no_match=True, **how)[0].equals(result)


def test_settings_in_use(people, monkeypatch):
    table = pa.table({"nhs_number": people.all})
    snapshot, key = os.environ["NOO_SNAPSHOT"], os.environ["NOO_TRUSTED_KEYS"]
    monkeypatch.delenv("NOO_SNAPSHOT")
    monkeypatch.delenv("NOO_TRUSTED_KEYS")
    with pytest.raises(noo_filter.UsageError, match="no snapshot"):
        noo_filter.filter(table)
    with pytest.raises(noo_filter.SnapshotError):
        noo_filter.filter(table, snapshot=snapshot)
    how = {"snapshot": snapshot, "trusted_keys": [key]}
    want, _ = noo_filter.filter(table, **how)
    assert want.num_rows == len(people.here)
    again, _ = noo_filter.filter(
        table, read_back="independent", max_page="1MiB", max_age="1d", **how
    )
    assert again.equals(want)
    for refused in ({"max_age": "1s"}, {"min_sequence": 10**15}):
        import time

        time.sleep(1.1)
        with pytest.raises(noo_filter.SnapshotError):
            noo_filter.filter(table, **how, **refused)


def test_encrypted_snapshot(people, monkeypatch, tmp_path):
    import shutil
    import subprocess

    if shutil.which("age-keygen") is None:
        pytest.skip("age is not installed")
    monkeypatch.setenv("NOO_STATE_DIR", str(tmp_path))  # That of the others stays the newest.
    identity = tmp_path / "identity.txt"
    subprocess.run(["age-keygen", "-o", identity], check=True, capture_output=True)
    recipient = subprocess.check_output(["age-keygen", "-y", identity], text=True).strip()
    snapshot = people.snapshot("encrypted.noo", "--recipient", recipient)
    table = pa.table({"nhs_number": people.all})
    with pytest.raises(noo_filter.SnapshotError):
        noo_filter.filter(table, snapshot=snapshot)
    result, _ = noo_filter.filter(table, snapshot=snapshot, identity=identity)
    assert result.num_rows == len(people.here)


def test_several_at_once(people):
    """Filters in several threads do not disturb each other."""
    results: dict[int, list] = {}

    def work(seed: int) -> None:
        r = random.Random(seed)
        numbers = [r.choice(people.all) for _ in range(2000)]
        for _ in range(3):
            table = pa.table({"nhs_number": numbers, "i": range(2000)})
            kept, report = noo_filter.filter(table)
            want = [i for i, n in enumerate(numbers) if n not in people.gone]
            results.setdefault(seed, []).append(
                kept["i"].to_pylist() == want and report.written == len(want)
            )

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == {seed: [True] * 3 for seed in range(8)}


def test_old_versions(people, monkeypatch):
    monkeypatch.setattr(pa, "__version__", "24.0.0")
    with pytest.raises(noo_filter.UsageError, match="pyarrow 25"):
        noo_filter.filter(pa.table({"nhs_number": people.here}))


def test_numbers_of_the_reference(people):
    assert people.verdict(number(random.Random(5))) in ("kept", "opted_out")
