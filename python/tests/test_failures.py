"""After a failure nothing is handed out, no noo runs, and no error says a value."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import re
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import noo_filter
from noo_filter import _program, errors

posix = pytest.mark.skipif(os.name == "nt", reason="it needs signals, forks or shell scripts")
SCHEMA = pa.schema([("nhs_number", pa.string())])


def _batch(numbers: list[str]) -> pa.RecordBatch:
    return pa.record_batch([pa.array(numbers, pa.string())], schema=SCHEMA)


def _all_of(error: BaseException | None) -> list[BaseException]:
    """An error, its causes and its contexts."""
    found: list[BaseException] = []
    while error is not None and error not in found:
        found.append(error)
        error = error.__cause__ or error.__context__
    return found


def _assert_no_values(error: BaseException, people) -> None:
    for each in _all_of(error):
        text = f"{each!r} {each} {getattr(each, '__notes__', '')}"
        assert not any(person in text for person in people.all)
    assert _all_of(error) == [error]


@pytest.mark.parametrize("batches", [0, 1, 5])
def test_a_reader_that_fails(people, batches):
    def source():
        for _ in range(batches):
            yield _batch(people.here * 500)
        raise ValueError(f"Could not convert 'tel {people.here[0]}' with type str")

    reader = pa.RecordBatchReader.from_batches(SCHEMA, source())
    with pytest.raises(noo_filter.InputError, match="could not be read to its end") as caught:
        noo_filter.filter(reader)
    _assert_no_values(caught.value, people)
    reader = pa.RecordBatchReader.from_batches(SCHEMA, source())
    with pytest.raises(noo_filter.InputError, match="could not be read to its end") as caught:
        noo_filter.verdicts(reader)
    _assert_no_values(caught.value, people)


def test_a_wrong_batch(people):
    for wrong in (
        pa.record_batch({"nhs_number": [1]}),
        pa.record_batch({"person": people.here[:1]}),
        pa.record_batch({"nhs_number": people.here[:1], "x": [1]}),
        people.here[0],
    ):
        reader = pa.RecordBatchReader.from_batches(SCHEMA, iter([_batch(people.here), wrong]))
        with pytest.raises(noo_filter.InputError) as caught:
            noo_filter.filter(reader)
        _assert_no_values(caught.value, people)


def test_an_object_that_fails(people):
    class Hostile:
        def __arrow_c_stream__(self, requested_schema=None):
            raise RuntimeError(f"tel {people.here[0]}")

    class Wrong:
        def __arrow_c_stream__(self, requested_schema=None):
            return people.here[0]

    for source in (Hostile(), Wrong()):
        for call in (noo_filter.filter, noo_filter.verdicts):
            with pytest.raises(noo_filter.InputError) as caught:
                call(source)
            _assert_no_values(caught.value, people)


def test_errors_of_conversion_are_not_passed_on(people):
    tel = f"tel {people.here[0]}"
    for source in (
        pd.DataFrame({"nhs_number": [1, tel, 2.5]}),
        pd.DataFrame({"nhs_number": people.here[:2], "x": [{"a": tel}, tel]}),
        pd.DataFrame({"nhs_number": people.here[:2]}, index=pd.Index([1, tel], dtype=object)),
    ):
        with pytest.raises(noo_filter.InputError) as caught:
            noo_filter.filter(source)
        _assert_no_values(caught.value, people)
    for values in ([1, tel], pd.Series([1, tel]), [tel, b"\xff", 5]):
        with pytest.raises(noo_filter.InputError) as caught:
            noo_filter.verdicts(values)
        _assert_no_values(caught.value, people)


def test_errors_of_noo(people, tmp_path):
    table = pa.table({"nhs_number": [people.here[0], None, f"tel {people.here[1]}"]})
    (tmp_path / "no.noo").write_text(people.here[0])
    for settings, kind, code in (
        ({"missing": "fail"}, noo_filter.DisclosureError, 1),
        ({"invalid": "fail"}, noo_filter.DisclosureError, 1),
        ({"column": "nowhere"}, noo_filter.UsageError, 2),
        ({"max_age": "soon"}, noo_filter.UsageError, 2),
        ({"missing": "perhaps"}, noo_filter.UsageError, 2),
        ({"snapshot": tmp_path / "no.noo"}, noo_filter.SnapshotError, 3),
        ({"trusted_keys": tmp_path / "no.noo"}, noo_filter.SnapshotError, 3),
        ({"max_page": "1KiB"}, noo_filter.InputError, 4),
        ({"snapshot": tmp_path / "nowhere.noo"}, noo_filter.SnapshotError, 3),
    ):
        big = table if "max_page" not in settings else pa.table({"nhs_number": people.here * 999})
        with pytest.raises(kind) as caught:
            noo_filter.filter(big, **settings)
        assert caught.value.exit_code == code
        assert isinstance(caught.value, noo_filter.NooError)
        assert "\n" not in str(caught.value)
        _assert_no_values(caught.value, people)
        again = pickle.loads(pickle.dumps(caught.value))
        assert (type(again), str(again), again.exit_code) == (kind, str(caught.value), code)


def test_wrong_settings(people):
    table = pa.table({"nhs_number": people.here})
    for settings in (
        {"snapshot": []},
        {"trusted_keys": iter(())},
        {"column": ()},
        {"column": 5.0},
        {"column": [1]},
        {"snapshot": [b"x"]},
        {"column": "a\0b"},
    ):
        with pytest.raises(noo_filter.UsageError):
            noo_filter.filter(table, **settings)
    for call in (noo_filter.filter, noo_filter.verdicts):
        with pytest.raises(TypeError):
            call(table, output="here.csv")


def test_values_that_look_like_flags(people):
    table = pa.table({"--withheld=x": people.all, "-": range(len(people.all))})
    result, _ = noo_filter.filter(table, column="--withheld=x", allow_column="-")
    assert result.num_rows == len(people.here)
    with pytest.raises(noo_filter.NooError):
        noo_filter.filter(table, column="--withheld=x", snapshot="--missing=keep")


def test_every_flag_is_a_setting_or_left_out(people):
    """A new flag of noo filter must be decided on: its variable could redirect patients' data."""
    from noo_filter._settings import NOT_FOR_TABLES, FilterSettings

    said = subprocess.run(
        [_program.path(), "filter", "--help"], capture_output=True, text=True, check=True
    ).stdout
    named = set(re.findall(r"^ +(?:-\w, )?--([a-z-]+)", said, re.MULTILINE)) - {"help"}
    variables = {f"NOO_{name.upper().replace('-', '_')}" for name in named}
    settings = {f"NOO_{name.upper()}" for name in FilterSettings.__dataclass_fields__}
    settings -= {"NOO__FLAGS"}
    assert variables - {"NOO_TRUSTED_KEY"} | {"NOO_TRUSTED_KEYS"} == NOT_FOR_TABLES | settings
    assert not NOT_FOR_TABLES & settings


@pytest.mark.parametrize(
    "variable", ["NOO_OUTPUT", "NOO_REPORT", "NOO_WITHHELD", "NOO_METRICS", "NOO_LOCK"]
)
def test_files_of_the_environment(people, monkeypatch, tmp_path, variable):
    """Variables for runs over files name no file here."""
    monkeypatch.setenv(variable, str(tmp_path / "file.prom"))
    _assert_filters(people)
    assert not (tmp_path / "file.prom").exists()


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("NOO_COMPRESS", "gzip"),
        ("NOO_LOG_FORMAT", "json"),
        ("NOO_RESUME", "true"),
        ("NOO_LINK", "i"),
        ("NOO_NO_HEADER", "true"),
        ("NOO_DIALECT", "spark"),
        ("NOO_QUIET", "nonsense"),
        ("NOO_MAX_PAGE", "1GiB"),
        ("NOO_HEADER_LINES", "3"),
    ],
)
def test_settings_of_the_environment(people, monkeypatch, variable, value):
    monkeypatch.setenv(variable, value)
    _assert_filters(people)
    with pytest.raises(noo_filter.UsageError, match="no column"):
        noo_filter.filter(pa.table({"x": [1]}))


def test_policies_of_the_environment(people, monkeypatch):
    monkeypatch.setenv("NOO_MISSING", "keep")
    monkeypatch.setenv("NOO_COLUMN", "person")
    table = pa.table({"person": [people.here[0], None]})
    assert noo_filter.filter(table)[0].num_rows == 2
    assert noo_filter.filter(table, missing="withhold")[0].num_rows == 1
    monkeypatch.setenv("NOO_MISING", "keep")
    with pytest.raises(noo_filter.UsageError, match="NOO_MISING"):
        noo_filter.filter(table)


def _assert_filters(people) -> None:
    table = pa.table({"nhs_number": [*people.all, None], "i": range(len(people.all) + 1)})
    result, report = noo_filter.filter(table)
    assert result["nhs_number"].to_pylist() == people.here
    assert report.missing == 1
    assert noo_filter.verdicts(people.here[:1]).to_pylist() == ["kept"]


def _program_that(tmp_path: Path, monkeypatch, body: str) -> None:
    """Have the package run a program that behaves badly: body is its Python."""
    real = os.environ["NOO_PROGRAM"]
    script = tmp_path / "bad-noo"
    text = f"""\
        #!{sys.executable}
        import os, subprocess, sys, time
        def noo():
            return subprocess.run([{real!r}, *sys.argv[1:]], capture_output=True)
        """
    script.write_text(textwrap.dedent(text) + body)
    script.chmod(0o755)
    monkeypatch.setenv("NOO_PROGRAM", str(script))


ANSWER = "done = noo(); sys.stdout.buffer.write(done.stdout"
OTHER = """\
import pyarrow as pa
noo()
table = pa.table({column: ["NUMBER"]})
with pa.ipc.new_stream(sys.stdout.buffer, table.schema) as writer:
    writer.write_table(table)
"""
BAD = {
    "says nothing": "sys.stdin.buffer.read()",
    "reads nothing": "pass",
    "fails without a word": "sys.exit(4)",
    "fails with words of others": "print('panic: NUMBER', file=sys.stderr); sys.exit(2)",
    "is killed": "os.kill(os.getpid(), 9)",
    "writes no Arrow": "sys.stdin.buffer.read(); print('NUMBER')",
    "stops in the middle": f"{ANSWER}[:-100])",
    "loses half of its stream": f"{ANSWER}[: len(done.stdout) // 2])",
    "goes on behind the end": f"{ANSWER} + b'more')",
    "writes all and fails": f"{ANSWER}); sys.exit(5)",
    "writes all and is killed": f"{ANSWER}); sys.stdout.flush(); os.kill(os.getpid(), 9)",
    "writes no report": f"sys.argv = [a for a in sys.argv if 'report' not in a]; {ANSWER})",
    "writes another table": OTHER.replace("column", "'nhs_number'"),
    "writes another schema": OTHER.replace("column", "'x'"),
}


@posix
@pytest.mark.parametrize("what", BAD)
def test_a_program_that(people, tmp_path, monkeypatch, what):
    _program_that(tmp_path, monkeypatch, BAD[what].replace("NUMBER", people.here[0]))
    many = people.all * 2000  # More than a pipe holds.
    for table in (
        pa.table({"nhs_number": many}),
        pl.DataFrame({"nhs_number": many}),
        pd.DataFrame({"nhs_number": many}),
    ):
        with pytest.raises(noo_filter.NooError) as caught:
            noo_filter.filter(table)
        _assert_no_values(caught.value, people)
    if "noo()" not in BAD[what] and "read()" not in BAD[what]:  # These wait for the end.
        with pytest.raises(noo_filter.NooError) as caught:
            noo_filter.verdicts(many)
        _assert_no_values(caught.value, people)


ANSWERS = """\
import pyarrow as pa
for batch in pa.ipc.open_stream(sys.stdin.buffer):
    answer = pa.DictionaryArray.from_arrays(pa.array(CODES, pa.int8()), pa.array(WORDS))
    table = pa.table({"verdict": answer})
    with pa.ipc.new_stream(sys.stdout.buffer, table.schema) as writer:
        writer.write_table(table)
    sys.stdout.flush()
"""


@posix
@pytest.mark.parametrize(
    ("codes", "words"),
    [
        ("[0]", "['kept', 'opted_out', 'missing', 'invalid', 'unchecked']"),
        ("[0, 0, 0]", "['kept', 'opted_out', 'missing', 'invalid', 'unchecked']"),
        ("[0, 0]", "['opted_out', 'kept', 'missing', 'invalid', 'unchecked']"),
        ("[0, 0]", "['kept']"),
    ],
)
def test_wrong_verdicts(people, tmp_path, monkeypatch, codes, words):
    _program_that(tmp_path, monkeypatch, ANSWERS.replace("CODES", codes).replace("WORDS", words))
    for data in (people.here[:2], pd.Series(people.here[:2]), pl.Series(people.here[:2])):
        with pytest.raises(noo_filter.ProgramError, match="other verdicts than one for each"):
            noo_filter.verdicts(data)


def test_no_program(people, tmp_path, monkeypatch):
    table = pa.table({"nhs_number": people.here})
    for program in (tmp_path, tmp_path / "nowhere", __file__):
        monkeypatch.setenv("NOO_PROGRAM", str(program))
        with pytest.raises(noo_filter.ProgramError):
            noo_filter.filter(table)
    monkeypatch.delenv("NOO_PROGRAM")
    monkeypatch.setenv("PATH", str(tmp_path))
    if not (Path(_program.__file__).parent / "bin").exists():
        with pytest.raises(noo_filter.ProgramError, match="noo is not installed"):
            noo_filter.filter(table)


def test_exit_codes():
    kinds = {
        1: "DisclosureError",
        2: "UsageError",
        3: "SnapshotError",
        4: "InputError",
        130: "Interrupted",
    }
    for code in (1, 2, 3, 4, 5, 77, 130):
        error = _program.failure(code, "a warning\nnoo: place: wrong\n")
        assert type(error).__name__ == kinds.get(code, "ProgramError")
        assert (str(error), error.exit_code) == ("place: wrong", code)
    assert "signal 9" in str(_program.failure(-9, "noo: x"))
    assert set(errors.__all__) >= set(kinds.values())


def _interrupt(seconds: float) -> None:
    """Press ^C in a while."""
    timer = threading.Timer(
        seconds, signal.pthread_kill, (threading.main_thread().ident, signal.SIGINT)
    )
    timer.daemon = True
    timer.start()


@posix
def test_keyboard_interrupt(people):
    """^C ends noo and the call, while it sends, and while it waits for the answer."""
    for pause in (0, 30):
        before = set(threading.enumerate())

        def source(pause=pause):
            for _ in range(30):
                yield _batch(people.here * 500)
            _interrupt(0.3)
            time.sleep(pause)
            while True:
                yield _batch(people.here * 500)

        start = time.monotonic()
        with pytest.raises(KeyboardInterrupt):
            noo_filter.filter(pa.RecordBatchReader.from_batches(SCHEMA, source()))
        assert time.monotonic() - start < 20
        assert not _program._running
        left = set(threading.enumerate()) - before
        assert not [thread for thread in left if not isinstance(thread, threading.Timer)]


@posix
def test_keyboard_interrupt_at_the_answer(people, tmp_path, monkeypatch):
    _program_that(tmp_path, monkeypatch, "sys.stdin.buffer.read(); time.sleep(60)")
    for call in (noo_filter.filter, noo_filter.verdicts):
        _interrupt(1)
        start = time.monotonic()
        with pytest.raises(KeyboardInterrupt):
            call(pa.table({"nhs_number": people.here}))
        assert time.monotonic() - start < 20
        assert not _program._running


@posix
def test_noo_is_killed(people):
    """noo is killed from outside while the records go to it."""

    def source():
        for i in range(1000):
            yield _batch(people.here * 100)
            if i == 20:
                (running,) = _program._running
                running.process.kill()

    with pytest.raises(noo_filter.ProgramError, match="killed by signal 9"):
        noo_filter.filter(pa.RecordBatchReader.from_batches(SCHEMA, source()))


def _written(numbers: list[str]) -> int:
    return noo_filter.filter(pa.table({"nhs_number": numbers}))[1].written


@posix
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_multiprocessing(people):
    with multiprocessing.get_context("fork").Pool(3) as pool:
        assert pool.map(_written, [people.all] * 6) == [len(people.here)] * 6


@posix
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_fork_in_the_middle(people):
    """A child that is forked while noo reads does not hold its input open, nor write to it."""
    reached, forked = threading.Event(), threading.Event()
    results = []

    def source():
        yield _batch(people.all)
        reached.set()
        assert forked.wait(30)
        yield _batch(people.all)

    def work():
        reader = pa.RecordBatchReader.from_batches(SCHEMA, source())
        results.append(noo_filter.filter(reader)[1].read)

    thread = threading.Thread(target=work)
    thread.start()
    assert reached.wait(30)
    child = os.fork()
    if child == 0:
        time.sleep(120)
        os._exit(0)
    forked.set()
    thread.join(30)
    alive = thread.is_alive()
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    thread.join()
    assert not alive
    assert results == [2 * len(people.all)]
