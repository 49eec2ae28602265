"""Which columns point at people."""

import io

import polars as pl
import pytest

from services.deid.engine.table.suggest import suggest, suggest_for
from services.deid.engine.table.vocabulary import word_of
from tests.deid.engine.table.support import as_rows, smallest_class, step, table, treat

PEOPLE = 200


def frame() -> pl.DataFrame:
    names = ["Anna Svensson", "Erik Johansson", "Maria Karlsson", "Lars Nilsson"]
    return pl.DataFrame(
        {
            "Personnr": [f"19{50 + n % 50}{1 + n % 12:02}{1 + n % 28:02}-{1000 + n}" for n in range(PEOPLE)],
            "kontakt": [names[n % 4] for n in range(PEOPLE)],
            "e-post": [f"person{n}@foretag.se" for n in range(PEOPLE)],
            "Födelsedatum": [f"19{50 + n % 50}-{1 + n % 12:02}-{1 + n % 28:02}" for n in range(PEOPLE)],
            "postnr": [f"{111 + n % 50} {10 + n % 20}" for n in range(PEOPLE)],
            "kön": ["man", "kvinna"] * (PEOPLE // 2),
            "Yrke": [f"yrke {n % 13}" for n in range(PEOPLE)],
            "månadslön": [str(20_000 + 137 * n) for n in range(PEOPLE)],
            "diagnos": ["J45", "I10", "E11", "F32"] * (PEOPLE // 4),
            "anteckning": [f"Ringde hem till henne den {n} mars om provsvaren." for n in range(PEOPLE)],
            "kodnyckel": [f"A{n * 7919 % 10007}" for n in range(PEOPLE)],
            "bmi_z": [f"{n * 0.0137:.4f}" for n in range(PEOPLE)],
            "avdelning": ["norr", "syd", "väst", "öst"] * (PEOPLE // 4),
            "version": ["1"] * PEOPLE,
            "antal": [str(n % 90) for n in range(PEOPLE)],
        }
    )


def test_roles_with_reasons() -> None:
    roles = {s.column: s.role for s in suggest(frame())}
    assert roles == {
        "Personnr": "identifier",
        "kontakt": "identifier",
        "e-post": "identifier",
        "Födelsedatum": "quasi-identifier",
        "postnr": "quasi-identifier",
        "kön": "quasi-identifier",
        "Yrke": "quasi-identifier",
        "månadslön": "sensitive",
        "diagnos": "sensitive",
        "anteckning": "free-text",
        "kodnyckel": "identifier",
        "bmi_z": "sensitive",
        "avdelning": "quasi-identifier",
        "version": "other",
        "antal": "other",
    }
    for each in suggest(frame()):
        assert each.reason.endswith(".") and each.reason_sv.endswith(".")


def test_suggested_operators_make_a_recipe_that_runs() -> None:
    source = frame()
    suggestions = suggest(source)
    steps = [step(s.operator, **s.params) for s in suggestions if s.operator]
    treated = treat(table([[str(cell) for cell in row] for row in source.rows()], source.columns), *steps, text=True)
    rows = as_rows(treated)
    quasi = [s.column for s in suggestions if s.role == "quasi-identifier"]
    assert smallest_class(rows, quasi) >= 5
    assert len(rows) == PEOPLE
    assert "e-post" not in rows[0] and "kontakt" not in rows[0]
    assert rows[0]["Personnr"].startswith("PERSONAL-NUMBER-")
    (anonymity,) = [s for s in suggestions if s.operator == "table.k-anonymity"]
    assert anonymity.params["person"] == "Personnr"


def test_suggestions_for_a_file() -> None:
    source = frame()
    content = table([[str(cell) for cell in row] for row in source.rows()], source.columns).encode()
    assert suggest_for(content, parquet=False) == suggest(source)
    buffer = io.BytesIO()
    source.write_parquet(buffer)
    assert suggest_for(buffer.getvalue(), parquet=True) == suggest(source)
    assert [s.column for s in suggest_for(b"a,a\n1,2\n", parquet=False)] == ["a"]


def test_typed_columns() -> None:
    import datetime

    typed = pl.DataFrame(
        {
            "age": [20 + n % 60 for n in range(100)],
            "born": [datetime.date(1950, 1, 1) + datetime.timedelta(days=97 * n) for n in range(100)],
            "weight_kg": [50.5 + n for n in range(100)],
            "seen": [n % 2 == 0 for n in range(100)],
            "deep": [[n] for n in range(100)],
        }
    )
    roles = {s.column: (s.role, s.operator) for s in suggest(typed)}
    assert roles["age"] == ("quasi-identifier", "table.k-anonymity")
    assert roles["born"] == ("quasi-identifier", None)
    assert roles["weight_kg"][0] == "sensitive"


@pytest.mark.parametrize("empty", [pl.DataFrame(), pl.DataFrame({"a": []}), pl.DataFrame({"a": [None, None]})])
def test_empty_tables(empty: pl.DataFrame) -> None:
    assert all(s.operator is None for s in suggest(empty))


@pytest.mark.parametrize(
    ("name", "sort"),
    [
        ("patientens_födelsedatum", "birth-date"),
        ("firstName", "name"),
        ("E-POST", "email"),
        ("date of birth", "birth-date"),
        ("sort", None),
        ("native-country", "category"),
        ("ZIP", "postal-code"),
        ("kolumn 7", None),
    ],
)
def test_names_of_columns(name: str, sort: str | None) -> None:
    word = word_of(name)
    assert (word.sort if word else None) == sort
