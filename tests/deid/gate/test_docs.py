"""docs/gate.md says what the code does: its thresholds, its codes, and the figures of its examples."""

import re
from dataclasses import asdict
from pathlib import Path
from typing import get_args

import pytest

from services.deid.gate.estimate import Stratum, precision, recall
from services.deid.gate.rules import FITTING, Thresholds
from services.deid.gate.schemas import RefusalOut, ReportOut

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "gate.md").read_text(encoding="utf-8")


def treated(total: int, judged: int, needless: int = 0) -> Stratum:
    return Stratum("treated", total, judged, needless)


def untreated(total: int, judged: int, missed: int = 0) -> Stratum:
    return Stratum("untreated", total, judged, missed)


def test_every_threshold_stands_there_with_its_default() -> None:
    rows = re.findall(r"\| `df:gate(\w+)` \| (\d+) \|", PAGE)
    assert {name.lower(): float(value) for name, value in rows} == asdict(Thresholds())


def test_every_code_of_a_refusal_stands_there_and_no_other() -> None:
    told = set(re.findall(r"\| (?:\d+) \| `([a-z-]+)` \|", PAGE))
    assert told == set(get_args(RefusalOut.model_fields["code"].annotation))


def test_every_judgement_stands_with_its_sort() -> None:
    for sort, judgements in FITTING.items():
        assert re.search(rf"\| {sort} \| .* \| {', '.join(f'`{j}`' for j in judgements)} \|", PAGE)


def test_the_parts_of_a_report_are_its_members() -> None:
    table = PAGE.split("## The report")[1].split("##")[0]
    parts = {name for row in re.findall(r"^\| (`.*?) \|", table, re.M) for name in re.findall(r"`(\w+)`", row)}
    assert len(parts) > 8
    assert parts <= ReportOut.model_fields.keys()


def test_the_example_is_reckoned_right() -> None:
    shown = re.findall(r"= ([\d.]+) %,   95 % interval ([\d.]+) % to ([\d.]+) %", PAGE)
    found = [recall([treated(1200, 30, 2), untreated(2000, 50, 1)]), precision([treated(1200, 30, 2)])]
    for estimate, figures in zip(found, shown, strict=True):
        assert estimate is not None
        assert [float(figure) for figure in figures] == [
            pytest.approx(share * 100, abs=0.06) for share in (estimate.estimate, estimate.low, estimate.high)
        ]


def test_the_table_of_low_ends_is_reckoned_right() -> None:
    rows = re.findall(r"^\| (\d+) \| ([\d.]+) % \| ([\d.]+) % \|$", PAGE, re.M)
    assert len(rows) == 4
    for judged, *lows in rows:
        for missed, low in enumerate(lows):
            found = recall([treated(1000, 30), untreated(1000, int(judged), missed)])
            assert found is not None
            assert float(low) == pytest.approx(found.low * 100, abs=0.06)
