"""Tables: k-anonymity at k = 5 against anjana, on generated people and on real tables that statsmodels ships.

Both are given the same table, the same quasi-identifiers and the same levels of generalisation, and may suppress 5 % of
the rows. anjana gets its levels ready made; ours works them out within the time measured. Before anything is measured,
pycanon counts k in what ours writes, and ours must keep at least as many rows.
"""

import json
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from benchmarks.measure import Ratio, compare
from services.deid.engine.operator import Keys
from services.deid.engine.table.anonymity import Anonymity, QuasiIdentifier, apply
from services.deid.engine.table.hierarchies import as_text, build
from services.deid.engine.table.table import Table
from services.deid.engine.table.work import Work

ROOT = Path(__file__).resolve().parent.parent
PEERS = ROOT / ".factory" / "env" / "bench"
K = 5
SUPPRESSED = 0.05


@dataclass(frozen=True)
class Case:
    """A table of people."""

    name: str
    frame: pl.DataFrame
    quasi: list[QuasiIdentifier]


def run() -> list[Ratio]:
    """Measure rows a second."""
    return [_measure(case) for case in (generated(5_000), *shipped())]


def generated(people: int, seed: int = 20_260) -> Case:
    """Skewed and correlated people: many of one town and few of most, trades that go with towns and ages."""
    drawn = np.random.default_rng(seed)
    age = np.clip(drawn.gamma(6, 7, people), 0, 104).astype(int)
    town = drawn.zipf(1.6, people) % 290
    trade = np.where(age > 19, (drawn.zipf(1.5, people) + town % 3) % 80, 80)
    month, day, last = drawn.integers(1, 13, people), drawn.integers(1, 29, people), drawn.integers(10, 30, people)
    frame = pl.DataFrame(
        {
            "born": [f"{2026 - a}-{m:02}-{d:02}" for a, m, d in zip(age, month, day, strict=True)],
            "postal code": [f"{100 + t * 3 % 880} {n}" for t, n in zip(town, last, strict=True)],
            "sex": drawn.choice(["woman", "man", "other"], people, p=[0.5, 0.49, 0.01]),
            "trade": [f"trade {t}" for t in trade],
            "income": drawn.lognormal(10, 0.6, people).astype(int).astype(str),
        }
    )
    return Case("generated", frame, [QuasiIdentifier(column=c) for c in ("born", "postal code", "sex", "trade")])


_SHIPPED: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("fair", ",", ("age", "yrs_married", "children", "religious", "educ", "occupation", "occupation_husb")),
    ("anes96", "\t", ("age", "educ", "income", "PID")),
    ("randhie", ",", ("lncoins", "idp", "lpi", "fmde", "physlm", "disea", "hlthg", "hlthf", "hlthp")),
)
"""Tables of people in statsmodels, with the columns that others may know: Fair 1978 (included with permission of the
author), the American National Election Studies of 1996 and the RAND health insurance experiment (both in the public
domain)."""


def shipped() -> Iterator[Case]:
    """Yield the real tables."""
    (folder,) = PEERS.glob("lib/python*/site-packages/statsmodels/datasets")
    for name, separator, columns in _SHIPPED:
        frame = pl.read_csv(folder / name / f"{name}.csv", separator=separator, infer_schema=False)
        frame = frame.rename({column: column.strip("'") for column in frame.columns})
        yield Case(name, frame, [QuasiIdentifier(column=column) for column in columns])


def anonymised(case: Case) -> tuple[pl.DataFrame, dict[str, Any]]:
    """Return the table k-anonymous, with what was measured of it."""
    work = Work(Table.of(case.frame, case.frame.columns), Keys("", b""), None)
    apply(work, Anonymity(quasi_identifiers=tuple(case.quasi), k=K, max_suppressed=SUPPRESSED))
    left = work.table.frame.select(work.table.keys)
    return left.rename(work.table.names), work.measures


def _measure(case: Case) -> Ratio:
    with tempfile.TemporaryDirectory(prefix="df-bench-") as folder, _peer() as ask:
        source, written = Path(folder) / "source.csv", Path(folder) / "written.csv"
        case.frame.write_csv(source)
        hierarchies = {entry.column: _levels(case.frame[entry.column], entry) for entry in case.quasi}
        ask({"table": str(source), "hierarchies": hierarchies, "k": K, "suppressed_percent": 100 * SUPPRESSED})
        left, measures = anonymised(case)
        left.write_csv(written)
        counted = ask({"check": str(written), "columns": [entry.column for entry in case.quasi]})["k"]
        theirs = ask({"run": True})["rows"]
        if counted < K or left.height < theirs:
            raise AssertionError(f"{case.name}: k {counted}, rows {left.height} against {theirs}")
        rows = case.frame.height

        def ours() -> float:
            anonymised(case)
            return rows

        def peer() -> float:
            ask({"run": True})
            return rows

        kept = f"{left.height / rows:.1%}/{theirs / rows:.1%} kept, loss {measures['utility_loss']:.2f}"
        return compare(f"k=5 {case.name} {rows:,} / anjana ({kept})", "rows/s", ours, peer)


def _levels(column: pl.Series, entry: QuasiIdentifier) -> dict[int, list[str]]:
    """The levels as anjana takes them: for each level the values that the column's distinct ones become."""
    ladder = build(column, entry.hierarchy)
    return {
        level: ["" if labels[code] is None else as_text(labels[code]) for code in mapped]
        for level, (mapped, labels) in enumerate(zip(ladder.maps, ladder.labels, strict=True))
    }


@contextmanager
def _peer() -> "Iterator[Any]":
    """Run anjana and pycanon in their own environment: a function that asks and waits for the answer."""
    command: Sequence[str] = (str(PEERS / "bin" / "python"), str(ROOT / "benchmarks" / "peers" / "anonymity.py"))
    process = subprocess.Popen(  # noqa: S603 - both paths are ours
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert process.stdin is not None
    assert process.stdout is not None
    questions, answers = process.stdin, process.stdout

    def ask(question: dict[str, Any]) -> dict[str, Any]:
        questions.write(json.dumps(question) + "\n")
        questions.flush()
        return json.loads(answers.readline())

    try:
        yield ask
    finally:
        questions.close()
        process.wait(timeout=60)
        answers.close()
