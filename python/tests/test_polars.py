"""filter and verdicts over Polars."""

from __future__ import annotations

import datetime
import decimal
import pickle
import random
import string

import polars as pl
import polars.testing
import pyarrow as pa
import pytest

import noo_filter


def _column(r: random.Random, rows: int) -> pl.Series:
    """A column of a random type of Polars."""

    def draw(make):
        return [None if r.random() < 0.1 else make() for _ in range(rows)]

    words = ["", "a", "a text that is longer than twelve bytes", "naïve"]
    day = datetime.datetime(2024, 1, 1, 2, 3)
    kinds = [
        (lambda: r.choice(words), pl.String),
        (lambda: r.choice(words), pl.Categorical),
        (lambda: r.choice(words), pl.Categorical(pl.Categories("mine", "tests", pl.UInt8))),
        (lambda: r.choice(words).encode(), pl.Binary),
        (lambda: r.randrange(100), pl.Int8),
        (lambda: r.randrange(100), pl.UInt16),
        (lambda: r.randrange(10**6), pl.Int64),
        (r.random, pl.Float32),
        (r.random, pl.Float64),
        (lambda: r.random() < 0.5, pl.Boolean),
        (lambda: None, pl.Null),
        (lambda: day.date(), pl.Date),
        (lambda: day.time(), pl.Time),
        (lambda: day, pl.Datetime("ms")),
        (lambda: day, pl.Datetime("ns", "Europe/London")),
        (lambda: datetime.timedelta(days=1), pl.Duration("us")),
        (lambda: decimal.Decimal("1.25"), pl.Decimal(20, 2)),
        (lambda: [r.choice(words)] * r.randrange(3), pl.List(pl.String)),
        (lambda: [r.choice(words)] * r.randrange(3), pl.List(pl.Categorical)),
        (lambda: [1, 2], pl.Array(pl.Int16, 2)),
        (lambda: {"a": 1, "b": r.choice(words)}, pl.Struct({"a": pl.Int8, "b": pl.Categorical})),
    ]
    make, kind = r.choice(kinds)
    return pl.Series(draw(make), dtype=kind)


@pytest.mark.parametrize("seed", range(60))
def test_random_frames(people, seed):
    r = random.Random(seed)
    rows = r.choice([0, 1, 30, 1000, 70000])
    numbers = [r.choice(people.all) for _ in range(rows)]
    columns = {f"c{i}": _column(r, rows) for i in range(r.randrange(6))}
    ids = pl.Series(numbers, dtype=r.choice([pl.String, pl.Categorical]))
    frame = pl.DataFrame({"nhs_number": ids, **columns})
    if rows and r.random() < 0.3:
        frame = pl.concat([frame, frame.slice(0, rows // 2)], rechunk=False)
        numbers += numbers[: rows // 2]
    result, report = noo_filter.filter(frame)
    want = frame.filter(pl.Series([n not in people.gone for n in numbers], dtype=pl.Boolean))
    polars.testing.assert_frame_equal(result, want)
    assert result.schema == frame.schema
    assert report.written == result.height


def test_nothing_left_behind(people):
    """No buffer of the result holds a text of somebody who opted out."""
    letters = str.maketrans(string.digits, "abcdefghij")
    secrets = {n: f"secret of {n.translate(letters)}" for n in people.all}
    texts = pl.Series(list(secrets.values()))
    frame = pl.DataFrame(
        {
            "nhs_number": people.all,
            "text": texts,
            "category": texts.cast(pl.Categorical),
            "own": texts.cast(pl.Categorical(pl.Categories("secrets"))),
            "list": pl.Series([[text] for text in texts]),
            "struct": pl.Series([{"a": text} for text in texts]),
        }
    )
    result, _ = noo_filter.filter(frame)
    arrow = result.to_arrow(compat_level=pl.CompatLevel.newest())
    assert arrow.column("text").type == pa.string_view()
    for held in (pickle.dumps(result), pickle.dumps(arrow), _file(result)):
        for person, secret in secrets.items():
            gone = person in people.gone
            assert (secret.encode() in held) != gone
            assert (person.encode() in held) != gone
    # What Polars filters itself does hold them: so this test can fail.
    plain = frame.filter(pl.col("nhs_number").is_in(people.here))
    held = pickle.dumps(plain.to_arrow(compat_level=pl.CompatLevel.newest()))
    assert any(secrets[person].encode() in held for person in people.gone)


def _file(frame: pl.DataFrame) -> bytes:
    import io

    file = io.BytesIO()
    frame.write_ipc(file, compression="uncompressed")
    return file.getvalue()


def test_refused(people):
    here = people.here
    texts = pl.Series(["a"] * len(here))
    objects = pl.Series([object()] * len(here), dtype=pl.Object)
    for column, kind, text in (
        (objects, noo_filter.InputError, "column x: noo cannot look into Python objects"),
        (texts.cast(pl.Enum(["a", "b"])), noo_filter.InputError, "Enum of Polars"),
        (
            pl.Series([1] * len(here), dtype=pl.Int128),
            noo_filter.InputError,
            "no type for a column",
        ),
    ):
        with pytest.raises(kind, match=text) as caught:
            noo_filter.filter(pl.DataFrame({"nhs_number": here, "x": column}))
        assert caught.value.__context__ is None
    with pytest.raises(noo_filter.InputError, match="column 1: noo cannot look into"):
        noo_filter.filter(pl.DataFrame({here[0]: objects}))
    with pytest.raises(noo_filter.UsageError, match=r"call collect\(\) first"):
        noo_filter.filter(pl.LazyFrame({"nhs_number": here}))
    with pytest.raises(noo_filter.UsageError, match=r"call collect\(\) first"):
        noo_filter.verdicts(pl.LazyFrame({"nhs_number": here}))
    with pytest.raises(noo_filter.NooError):
        noo_filter.filter(pl.DataFrame())


def test_verdicts(people):
    values = [people.here[0], sorted(people.gone)[0], None, "nobody"]
    want = ["kept", "opted_out", "missing", "invalid"]
    for kind in (pl.String, pl.Categorical, pl.Enum(sorted(v for v in values if v))):
        answer = noo_filter.verdicts(pl.Series("person", values, dtype=kind))
        assert answer.to_list() == want
        assert answer.name == "verdict"
        assert answer.dtype == pl.Enum([*want, "unchecked"])
    frame = pl.DataFrame({"person": values, "i": range(4)})
    assert frame.filter(noo_filter.verdicts(frame["person"]) == "kept")["i"].to_list() == [0]
    mothers = pl.DataFrame({"mother": people.here[:4], "baby": values})
    assert noo_filter.verdicts(mothers).to_list() == ["kept", "opted_out", "kept", "invalid"]
    assert noo_filter.verdicts(pl.Series([], dtype=pl.String)).to_list() == []
    many = people.all * 500
    assert noo_filter.verdicts(pl.Series(many)).to_list() == [people.verdict(n) for n in many]
