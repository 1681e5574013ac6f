"""filter and verdicts over pandas: kept records as they were, nothing left of removed ones."""

from __future__ import annotations

import datetime
import decimal
import io
import pickle
import random
import string

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import noo_filter


def _secrets(people) -> list[str]:
    """A text for each person that shows no number."""
    letters = str.maketrans(string.digits, "abcdefghij")
    return [f"secret of {n.translate(letters)}" for n in people.all]


def _assert_gone(result: pd.DataFrame, people) -> None:
    """Nothing of a removed record may be in a pickle of result, nor in its Arrow memory."""
    held = pickle.dumps(result)
    for column in range(result.shape[1]):
        values = result.iloc[:, column].array
        if hasattr(values, "__arrow_array__"):
            chunks = pa.chunked_array(pa.array(values)).chunks
            held += b"".join(b.to_pybytes() for c in chunks for b in c.buffers() if b is not None)
    for person, secret in zip(people.all, _secrets(people), strict=True):
        gone = person in people.gone
        assert (person.encode() in held) != gone
        assert (secret.encode() in held) != gone


def _column(r: random.Random, rows: int) -> object:
    """A column of a random type of pandas."""

    def draw(make, missing=None, rate=0.1):
        return [missing if r.random() < rate else make() for _ in range(rows)]

    day = datetime.datetime(2024, 1, 1)
    kinds = [
        lambda: np.array(draw(lambda: r.randrange(99), 0), "int16"),
        lambda: np.array(draw(r.random, np.nan), "float32"),
        lambda: np.array(draw(lambda: r.choice([1.5, -0.0]), np.nan)),
        lambda: np.array(draw(lambda: r.random() < 0.5, False)),
        lambda: pd.array(draw(lambda: r.randrange(99)), "Int64"),
        lambda: pd.array(draw(lambda: r.random() < 0.5), "boolean"),
        lambda: pd.array(draw(lambda: r.choice("abc")), "str"),
        lambda: pd.array(draw(lambda: r.choice("abc")), pd.StringDtype("python")),
        lambda: pd.array(draw(lambda: r.choice("abc")), pd.StringDtype("pyarrow")),
        lambda: pd.Series(draw(lambda: r.choice("abc"), np.nan), dtype=object).array,
        lambda: pd.Series(draw(lambda: {"a": 1}), dtype=object).array,
        lambda: pd.Series(draw(lambda: [1, 2]), dtype=object).array,
        lambda: pd.Series(draw(lambda: b"x"), dtype=object).array,
        lambda: pd.Series(draw(lambda: decimal.Decimal("1.20")), dtype=object).array,
        lambda: pd.Series(draw(lambda: day.date()), dtype=object).array,
        lambda: pd.to_datetime(draw(lambda: day, pd.NaT)),
        lambda: pd.to_datetime(draw(lambda: day, pd.NaT)).tz_localize("Europe/London"),
        lambda: pd.to_timedelta(draw(lambda: datetime.timedelta(1), pd.NaT)),
        lambda: pd.period_range("2024-01", periods=rows, freq="M").array,
        lambda: pd.interval_range(0, rows).array if rows else pd.array([], "interval[int64]"),
        lambda: pd.Categorical(draw(lambda: r.choice("cab")), categories=["c", "b", "a", "z"]),
        lambda: pd.Categorical(draw(lambda: r.choice([3, 1])), ordered=True),
        lambda: pd.array(draw(lambda: r.choice("abc")), pd.ArrowDtype(pa.string())),
        lambda: pd.array(draw(lambda: [1, 2]), pd.ArrowDtype(pa.list_(pa.int8()))),
        lambda: pd.array(pa.array(draw(lambda: r.choice("ab"))).dictionary_encode()).astype(
            pd.ArrowDtype(pa.dictionary(pa.int32(), pa.string()))
        ),
    ]
    return r.choice(kinds)()


def _index(r: random.Random, rows: int) -> pd.Index:
    kinds = [
        lambda: pd.RangeIndex(rows),
        lambda: pd.RangeIndex(5, 5 + 2 * rows, 2, name="steps"),
        lambda: pd.Index([f"r{i}" for i in range(rows)]),
        lambda: pd.Index([i % 3 for i in range(rows)], name="repeated"),
        lambda: pd.date_range("2024-01-01", periods=rows, freq="D"),
        lambda: pd.CategoricalIndex([r.choice("ab") for _ in range(rows)], name="kind"),
        lambda: pd.MultiIndex.from_arrays(
            [[i // 2 for i in range(rows)], pd.Categorical(["x"] * rows), [None] * rows],
            names=["a", None, "c"],
        ),
        lambda: pd.Index(pd.array(range(rows), pd.ArrowDtype(pa.int32())), name="arrow"),
    ]
    return r.choice(kinds)()


@pytest.mark.parametrize("seed", range(80))
def test_random_frames(people, seed):
    r = random.Random(seed)
    rows = r.choice([0, 1, 30, 1000])
    numbers = [r.choice(people.all) for _ in range(rows)]
    columns = [pd.Series(numbers, dtype=r.choice(["str", object]))]
    names: list[object] = ["nhs_number"]
    for i in range(r.randrange(6)):
        columns.append(pd.Series(_column(r, rows)))
        names.append(r.choice(["x", f"c{i}", i, ("a", i)]))
    frame = pd.concat(columns, axis=1) if columns else pd.DataFrame()
    frame.columns = pd.Index(names, tupleize_cols=False)
    frame.index = _index(r, rows)
    before = frame.copy(deep=True)
    result, report = noo_filter.filter(frame, column="nhs_number")

    want = frame.iloc[[i for i, n in enumerate(numbers) if n not in people.gone]]
    pd.testing.assert_frame_equal(
        result, want, check_categorical=False, check_freq=False, check_index_type=False
    )
    for got, wanted in zip(result.dtypes, want.dtypes, strict=True):
        assert got == wanted or isinstance(got, pd.CategoricalDtype)
        if isinstance(got, pd.CategoricalDtype):
            assert got.ordered == wanted.ordered
            assert list(got.categories) == [c for c in wanted.categories if c in got.categories]
    assert result.index.names == frame.index.names
    assert report.written == len(result)
    pd.testing.assert_frame_equal(frame, before)  # The given one is as it was.


def test_nothing_left_behind(people):
    secrets = _secrets(people)
    arrow = pd.ArrowDtype(pa.dictionary(pa.int16(), pa.string()))
    nested = pd.ArrowDtype(pa.list_(pa.dictionary(pa.int16(), pa.string())))
    frame = pd.DataFrame(
        {
            "nhs_number": people.all,
            "text": secrets,
            "object": pd.Series(secrets, dtype=object),
            "category": pd.Categorical(secrets),
            "ordered": pd.Categorical(secrets, categories=secrets[::-1], ordered=True),
            "arrow": pd.Series(pd.array(pa.array(secrets).dictionary_encode()), dtype=arrow),
            "nested": pd.Series([[s] for s in secrets], dtype=nested),
            "view": pd.Series(secrets, dtype=pd.ArrowDtype(pa.string_view())),
        }
    )
    frame.attrs["first"] = next(
        s for s, n in zip(secrets, people.all, strict=True) if n in people.gone
    )
    levels = [secrets, pd.Categorical(secrets), pd.array(frame["arrow"])]
    for index in (
        pd.RangeIndex(len(secrets)),
        pd.Index(secrets),
        pd.CategoricalIndex(secrets),
        pd.Index(levels[2]),
        pd.MultiIndex.from_arrays(levels, names=["a", "b", "c"]),
    ):
        frame.index = index
        result, _ = noo_filter.filter(frame)
        _assert_gone(result, people)
        assert result["ordered"].dtype.ordered
        assert result["arrow"].dtype == arrow
        assert result["nested"].dtype == nested
        assert result.attrs == {}
        assert result.index.tolist() == [
            x for x, n in zip(index.tolist(), people.all, strict=True) if n not in people.gone
        ]


def test_names_of_columns_that_are_gone(people):
    """Levels of the names still hold those of columns that somebody took away."""
    wide = pd.DataFrame(
        np.zeros((2, 3)),
        columns=pd.MultiIndex.from_tuples([("a", "nhs_number"), ("a", "b"), ("a", "secret")]),
    )
    frame = wide[[("a", "nhs_number"), ("a", "b")]].astype(object)
    frame[("a", "nhs_number")] = people.here[:2]
    assert b"secret" in pickle.dumps(frame)
    result, _ = noo_filter.filter(frame, column="('a', 'nhs_number')")
    assert b"secret" not in pickle.dumps(result)
    assert result.columns.tolist() == frame.columns.tolist()
    categories = pd.DataFrame({"nhs_number": people.here})
    categories.columns = pd.CategoricalIndex(["nhs_number"], categories=["nhs_number", "secret"])
    assert b"secret" not in pickle.dumps(noo_filter.filter(categories)[0])


def test_the_index_is_data(people):
    """The index may hold the NHS numbers, or those of others that nobody named."""
    frame = pd.DataFrame(
        {"i": range(len(people.all))}, index=pd.Index(people.all, name="nhs_number")
    )
    result, report = noo_filter.filter(frame)
    assert result.index.tolist() == people.here
    assert report.columns == ("nhs_number",)
    levels = frame.reset_index().set_index(["i", "nhs_number"], drop=False)[["i"]]
    levels.index.names = ["place", "person"]
    assert noo_filter.filter(levels, column="person")[0]["i"].tolist() == result["i"].tolist()
    watched = pd.DataFrame({"nhs_number": people.here}, index=people.all[: len(people.here)])
    with pytest.raises(noo_filter.UsageError, match="__index_level_0__"):
        noo_filter.filter(watched)
    ranged = pd.DataFrame({"nhs_number": [people.here[0]]})
    ranged.index = pd.RangeIndex(int(people.here[0]), int(people.here[0]) + 1)
    with pytest.raises(noo_filter.UsageError):
        noo_filter.filter(ranged, column="__index_level_0__", allow_column="x")


def test_numbers_with_gaps(people):
    """A column of numbers with gaps is one of floating-point numbers, and stays so."""
    numbers = [float(n) for n in people.all] + [np.nan]
    frame = pd.DataFrame({"nhs_number": numbers})
    result, report = noo_filter.filter(frame, missing="keep")
    assert result["nhs_number"].dtype == np.float64
    assert result["nhs_number"].tolist()[:-1] == [float(n) for n in people.here]
    assert report.missing == 1


def test_refused(people):
    here = people.here[:3]

    class Subclass(pd.DataFrame):
        pass

    person = people.here[0]
    surrogates = pd.Series(["a", "\ud800", "b"], dtype=object)
    for frame, kind, text in (
        (Subclass({"nhs_number": here}), noo_filter.UsageError, "subclass"),
        (
            pd.DataFrame({"nhs_number": [here[0], 5, 2.5]}),
            noo_filter.InputError,
            "column nhs_number",
        ),
        (
            pd.DataFrame({"nhs_number": here, person: [1, object(), 2]}),
            noo_filter.InputError,
            "column 2:",
        ),
        (pd.DataFrame({"nhs_number": here, "x": [1j, 2, 3]}), noo_filter.InputError, "column x"),
        (pd.DataFrame({"nhs_number": here, person: here}), noo_filter.InputError, "NHS number"),
        (
            pd.DataFrame({"nhs_number": here}).rename_axis(columns=person),
            noo_filter.InputError,
            "NHS",
        ),
        (pd.DataFrame({"nhs_number": here, "x": surrogates}), noo_filter.InputError, "column x"),
    ):
        with pytest.raises(kind, match=text) as caught:
            noo_filter.filter(frame)
        assert person not in str(caught.value)
        assert caught.value.__cause__ is None
        assert caught.value.__context__ is None


def test_types_of_other_libraries(people):
    class Dtype(pd.api.extensions.ExtensionDtype):
        name = "other"
        type = str

    class Array(pd.api.extensions.ExtensionArray):
        dtype = Dtype()

        def __len__(self):
            return 2

        def __getitem__(self, item):
            return self

        def copy(self):
            return self

    frame = pd.DataFrame({"nhs_number": people.here[:2], "x": Array()})
    with pytest.raises(noo_filter.InputError, match="column x: its type is from another library"):
        noo_filter.filter(frame)


def test_arrays_in_larger_arrays(people):
    """A value that is a part of a larger array takes nothing of that array along."""
    hidden = np.array([[sorted(people.gone)[0], "a"]] * len(people.here), object)
    frame = pd.DataFrame({"nhs_number": people.here})
    frame["x"] = [row[1:] for row in hidden]
    frame["y"] = [[row[1:]] for row in hidden]
    result, _ = noo_filter.filter(frame)
    assert len(result) > 0
    for x, y in zip(result["x"], result["y"], strict=True):
        assert x.tolist() == ["a"] and y[0].tolist() == ["a"]
        assert x.base is None and y[0].base is None
    assert frame["x"].iloc[0].base is not None


def test_values_that_hold_more(people):
    """A class of somebody's own may have attributes, which noo does not see and pickle keeps."""

    class Text(str):
        pass

    for values in ([Text("a")], [["a", Text("a")]], [{"k": Text("a")}]):
        frame = pd.DataFrame({"nhs_number": people.here[:1], "x": pd.Series(values, dtype=object)})
        with pytest.raises(noo_filter.InputError, match="column x: its values are of a class"):
            noo_filter.filter(frame)
    category = pd.Categorical.from_codes([0], pd.Index([Text("a")], dtype=object))
    frame = pd.DataFrame({"nhs_number": people.here[:1], "x": category})
    with pytest.raises(noo_filter.InputError, match="column x: its values are of a class"):
        noo_filter.filter(frame)


def test_the_result_is_its_own(people):
    """A change of the result changes nothing of the given DataFrame, and reading it back works."""
    frame = pd.DataFrame({"nhs_number": people.here, "x": range(len(people.here))})
    result, _ = noo_filter.filter(frame)
    result.loc[:, "x"] = -1
    assert frame["x"].tolist() == list(range(len(people.here)))
    file = io.BytesIO()
    result.to_parquet(file)
    pd.testing.assert_frame_equal(pd.read_parquet(file), result)


def test_verdicts(people):
    values = [people.here[0], sorted(people.gone)[0], None, "nobody"]
    series = pd.Series(values, index=list("abcd"), name="person")
    answer = noo_filter.verdicts(series)
    assert answer.tolist() == ["kept", "opted_out", "missing", "invalid"]
    assert answer.index.tolist() == list("abcd")
    assert answer.name == "verdict"
    assert series[answer == "kept"].tolist() == values[:1]
    assert answer.dtype.categories.tolist() == [
        "kept",
        "opted_out",
        "missing",
        "invalid",
        "unchecked",
    ]
    mothers = pd.DataFrame({"mother": people.here[:4], "baby": values})
    assert noo_filter.verdicts(mothers).tolist() == ["kept", "opted_out", "kept", "invalid"]
    assert noo_filter.verdicts(pd.Series([], dtype=str)).tolist() == []
    assert noo_filter.verdicts(pd.Series([None], dtype=object)).tolist() == ["missing"]
    whole = pd.Series([int(n) for n in people.all])
    assert noo_filter.verdicts(whole).tolist() == [people.verdict(n) for n in people.all]
