"""Parquet: what is found is treated in columns of every type, and nothing of the old file comes along."""

import io
import json
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.deid.engine.operator import Step, Treated
from services.deid.engine.table import parquet_table
from services.deid.engine.table.treat import treat_parquet
from tests.deid.engine.table.support import KEYS, smallest_class, step, text_plan, text_steps

NUMBER = "19811218-9876"


def written(table: pa.Table, **options: Any) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(table, buffer, **options)
    return buffer.getvalue()


def treated(table: pa.Table | bytes, *steps: Step, text: bool = True, **options: Any) -> Treated:
    content = table if isinstance(table, bytes) else written(table, **options)
    return treat_parquet(content, [*steps, *(text_steps() if text else [])], KEYS, text_plan() if text else None)


def read(result: Treated) -> pa.Table:
    assert result.content is not None, result.withheld
    return pq.read_table(io.BytesIO(result.content))


def test_columns_of_every_type_are_looked_into() -> None:
    source = pa.table(
        {
            "text": ["ring " + NUMBER, "nej", None],
            "bytes": pa.array([NUMBER.encode(), b"x", None], pa.binary()),
            "number": [198112189876, 7, None],
            "float": [198112189876.0, 0.5, None],
            "fraction": [0.1981121898, 1.5, None],
            "coded": pa.array([NUMBER, "a", "a"]).dictionary_encode(),
            "list": [[NUMBER, "a"], [], None],
            "struct": [{"who": NUMBER, "n": 3}, {"who": None, "n": 198112189876}, None],
            "map": pa.array([[("k", NUMBER)], [], None], pa.map_(pa.string(), pa.string())),
            "deep": [[{"x": [NUMBER]}], [{"x": []}], None],
        }
    )
    result = treated(source)
    table = read(result)
    assert b"9876" not in (result.content or b"")
    rows = table.to_pylist()
    label = "[PERSONAL-NUMBER]"
    assert rows[0]["text"] == "ring " + label
    assert rows[0]["bytes"] == rows[0]["number"] == rows[0]["float"] == rows[0]["coded"] == label
    assert rows[1]["number"] == "7"
    assert [row["fraction"] for row in rows] == [0.1981121898, 1.5, None]
    assert rows[0]["list"] == [label, "a"]
    assert rows[0]["struct"] == {"who": label, "n": 3}
    assert rows[1]["struct"] == {"who": None, "n": None}
    assert rows[0]["deep"] == [{"x": [label]}]
    assert label in str(rows[0]["map"])
    assert result.counts["personal-number"] == {"found": 10, "treated": 10}


def test_types_stay_where_nothing_is_found() -> None:
    source = pa.table(
        {
            "i8": pa.array([1, None], pa.int8()),
            "u64": pa.array([2**63, 1], pa.uint64()),
            "f32": pa.array([1.5, float("nan")], pa.float32()),
            "bool": [True, None],
            "date": [date(2020, 1, 2), None],
            "time": [datetime(2020, 1, 2, 3, 4, 5), None],
            "span": [timedelta(seconds=3), None],
            "decimal": [Decimal("1.50"), None],
            "list": [[1, None], None],
            "struct": [{"a": 1.5}, None],
        }
    )
    table = read(treated(source))
    assert str(table.to_pydict()) == str(source.to_pydict())
    for name in ("i8", "u64", "f32", "bool", "date", "span"):
        assert table.schema.field(name).type == source.schema.field(name).type


def odd_types() -> pa.Table:
    """A column of each type that is seldom met."""
    words = pa.array(["a", None])
    return pa.table(
        {
            "null": pa.nulls(2),
            "decimal": pa.array([Decimal("1.5"), None], pa.decimal256(50, 2)),
            "time": pa.array([3600, None], pa.time32("s")),
            "half": pa.array([1.5, None]).cast(pa.float16()),
            "zone": pa.array([0, None], pa.timestamp("ns", "Europe/Stockholm")),
            "coded": pa.DictionaryArray.from_arrays(pa.array([0, None], pa.int8()), pa.array([7], pa.int64())),
            "words": words.cast(pa.large_string()),
            "pair": pa.array([[1, 2], None], pa.list_(pa.int32(), 2)),
            "lists": pa.array([[["a"]], None]),
            "bool": [True, None],
        }
    )


@pytest.mark.parametrize("name", odd_types().column_names)
def test_seldom_types_are_treated_or_withheld(name: str) -> None:
    source = odd_types().select([name])
    for steps in (
        (),
        (step("table.k-anonymity", quasi_identifiers=[{"column": name}], k=2),),
        (step("table.pseudonymise", columns=[name]),),
        (step("table.code", columns=[name], top=1),),
        (step("table.generalise", columns=[name], to={"kind": "date", "unit": "year"}),),
        (step("table.drop", columns=[name]),),
    ):
        result = treated(source, *steps)
        assert result.withheld in (None, "parquet-column-type"), (name, steps, result.measures)
        if not steps and result.content is not None:
            assert str(read(result).to_pydict()) == str(source.to_pydict())


def test_nothing_of_the_source_s_metadata_comes_along() -> None:
    canary = "canary-7f3a"
    field = pa.field("a", pa.string(), metadata={"comment": canary})
    schema = pa.schema([field], metadata={"pandas": json.dumps({"index": canary}), canary: canary})
    source = pa.table([["x", canary + " " + NUMBER]], schema=schema)
    content = written(source.replace_schema_metadata(schema.metadata), use_dictionary=True, write_statistics=True)
    assert content.count(canary.encode()) > 3
    result = treated(content, step("table.drop", columns=["a"]))
    assert canary.encode() not in (result.content or canary.encode())
    kept = treated(content)
    footer = pq.ParquetFile(io.BytesIO(kept.content or b"")).metadata
    assert footer.metadata is None
    assert NUMBER.encode() not in (kept.content or b"")


def test_dropped_values_are_in_no_dictionary_and_no_statistics() -> None:
    source = pa.table({"town": ["Umeå"] * 9 + ["Arjeplog-hemlig"], "age": [30] * 9 + [93]})
    quasi = {"quasi_identifiers": [{"column": "town"}, {"column": "age"}]}
    result = treated(source, step("table.k-anonymity", **quasi), text=False)
    table = read(result).to_pylist()
    assert smallest_class(table, ["town", "age"]) >= 5
    assert b"hemlig" not in (result.content or b"")
    globally = treated(
        source,
        step("table.k-anonymity", **quasi, recoding="global", max_suppressed=0.2),
        text=False,
        use_dictionary=True,
    )
    assert b"hemlig" not in (globally.content or b"hemlig")
    assert read(globally).num_rows == 9
    assert read(globally).schema.field("age").type == pa.int64()


def test_bytes_that_are_no_text_are_withheld_unless_dropped() -> None:
    source = pa.table({"photo": pa.array([b"\xff\xd8\xff"], pa.binary()), "a": ["x"]})
    assert treated(source).withheld == "parquet-column-type"
    assert treated(source, step("table.drop", columns=["a"]), text=False).withheld == "parquet-column-type"
    assert read(treated(source, step("table.drop", columns=["photo"]))).column_names == ["a"]
    inside = pa.table({"s": [{"b": b"\xff"}]})
    assert treated(inside).withheld == "parquet-column-type"
    assert (
        treated(pa.table({"s": [["a"]]}), step("table.pseudonymise", columns=["s"])).withheld == "parquet-column-type"
    )


def test_names_of_columns_and_fields_are_looked_at() -> None:
    source = pa.table({"anna.berg@foretag.se": [1], "eva.berg@foretag.se": [2], "s": [{"kim@foretag.se": 1, "b": 2}]})
    table = read(treated(source))
    assert table.column_names == ["[EMAIL]", "[EMAIL]-2", "s"]
    assert table["s"].to_pylist() == [{"[EMAIL]": 1, "b": 2}]


def test_a_small_file_that_is_a_huge_table_is_withheld(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet_table, "MAX_DECODED", 1 << 20)
    indices = pa.array([0] * 20_000, pa.int32())
    source = pa.table({"a": pa.DictionaryArray.from_arrays(indices, pa.array(["x" * 1000]))})
    content = written(source, compression="zstd")
    assert len(content) < 10_000
    assert treated(content).withheld == "table-too-large"
    listed = pa.table({"a": pa.array([["x" * 1000] * 20_000])})
    assert treated(written(listed, compression="zstd")).withheld == "table-too-large"
    monkeypatch.setattr(parquet_table, "MAX_CELLS", 100)
    assert treated(pa.table({"a": list(range(101))})).withheld == "table-too-large"


def test_too_many_columns_are_withheld(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet_table, "MAX_COLUMNS", 3)
    assert treated(pa.table({str(n): [n] for n in range(4)})).withheld == "table-too-wide"


def test_empty_tables() -> None:
    assert read(treated(pa.table({"a": pa.array([], pa.string())}))).num_rows == 0
    assert treated(pa.table({})).withheld is None


GOOD = written(pa.table({"a": ["x", NUMBER], "b": [[1], None]}))


@given(st.data())
@settings(max_examples=100, deadline=None)
def test_damaged_files_are_withheld_and_nothing_is_raised(data: st.DataObject) -> None:
    damaged = bytearray(GOOD)
    for _ in range(data.draw(st.integers(1, 6))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    content = bytes(damaged[: data.draw(st.integers(0, len(damaged)) | st.just(len(damaged)))])
    result = treated(content)
    assert (result.content is None) == (result.withheld is not None)
    assert NUMBER.encode() not in (result.content or b"")


def test_treating_twice_changes_nothing() -> None:
    once = treated(pa.table({"a": ["x", "ring " + NUMBER], "b": [198112189876, 1]}))
    twice = treated(once.content or b"")
    assert twice.content == once.content
    assert twice.counts == {}
