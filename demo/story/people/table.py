"""A table of 5,000 made-up people with skewed, correlated columns; some have several rows."""

import csv
import random
from dataclasses import dataclass
from pathlib import Path

from .planting import FIRST, LAST, Planted, personal_number, plant

PEOPLE = 5000
PATH = "register/personer.csv"
PERSON = "personnummer"
QUASI_IDENTIFIERS = ("fodelsedatum", "kon", "postnummer", "kommun", "yrke")
_MUNICIPALITIES = (
    ("Stockholm", "11"), ("Göteborg", "41"), ("Malmö", "21"), ("Uppsala", "75"), ("Linköping", "58"),
    ("Umeå", "90"), ("Sundsvall", "85"), ("Kiruna", "98"), ("Gotland", "62"), ("Ydre", "57"),
)  # fmt: skip
_SKEW = (40, 22, 14, 8, 6, 4, 3, 1.5, 1, 0.5)
_WORK: dict[str, tuple[tuple[str, int], ...]] = {
    "grundskola": (("lagerarbetare", 40), ("chaufför", 30), ("städare", 20), ("fiskare", 2)),
    "gymnasium": (("elektriker", 30), ("undersköterska", 40), ("säljare", 25), ("sotare", 1)),
    "högskola": (("lärare", 40), ("ingenjör", 30), ("sjuksköterska", 28), ("domare", 1)),
}


@dataclass(frozen=True)
class Register:
    """The table that was written."""

    rows: int
    planted: tuple[Planted, ...]
    numbers: frozenset[str]
    """The ten digits of each person's number."""


def write(folder: Path, seed: int) -> Register:
    """Write `folder`/register/personer.csv: UTF-8, semicolons, a head line."""
    draw = random.Random(seed + 1)
    target = folder / PATH
    target.parent.mkdir(parents=True, exist_ok=True)
    planted: list[Planted] = []
    rows = 0
    with target.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, delimiter=";")
        table.writerow(
            (PERSON, "namn", "fodelsedatum", "kon", "postnummer", "kommun", "utbildning", "yrke", "inkomst", "besok",
             "anteckning")
        )  # fmt: skip
        numbers: set[str] = set()
        while len(numbers) < PEOPLE:
            century, ten = personal_number(draw)
            if ten in numbers:
                continue
            numbers.add(ten)
            for row in _rows_of(draw, century, ten, planted):
                table.writerow(row)
                rows += 1
    return Register(rows, tuple(planted), frozenset(numbers))


def _rows_of(draw: random.Random, century: str, ten: str, planted: list[Planted]) -> list[tuple[object, ...]]:
    birth = f"{century}{ten[:2]}-{ten[2:4]}-{ten[4:6]}"
    year = int(birth[:4])
    municipality, region = draw.choices(_MUNICIPALITIES, _SKEW)[0]
    code = f"{region}{draw.choices((1, 2, 4), (6, 3, 1))[0]} {draw.randrange(10, 30)}"
    chances = (5, 35, 60) if municipality in ("Stockholm", "Uppsala") and year > 1960 else (30, 50, 20)
    education = draw.choices(tuple(_WORK), chances)[0]
    occupation = draw.choices([work for work, _ in _WORK[education]], [weight for _, weight in _WORK[education]])[0]
    income = round(draw.lognormvariate(10.2 if education == "högskola" else 9.9, 0.3), -2)
    name = f"{draw.choice(FIRST)} {draw.choice(LAST)}"
    sex = "kvinna" if int(ten[8]) % 2 == 0 else "man"
    person = (f"{century}{ten[:6]}-{ten[6:]}", name, birth, sex, code, municipality, education, occupation)
    rows: list[tuple[object, ...]] = []
    for visit in range(draw.choices((1, 2, 3), (88, 9, 3))[0]):
        note = "Inget att anmärka."
        if draw.random() < 0.04:
            one = plant(draw)
            planted.append(one)
            note = one.sentence
        rows.append((*person, int(income), f"2026-0{visit + 1}-{draw.randrange(10, 28)}", note))
    return rows


def second_count(path: Path) -> tuple[int, int]:
    """Return k by person, counted by pycanon (Apache-2.0) on the treated table, and its number of rows."""
    import pandas  # pyright: ignore[reportMissingImports, reportMissingModuleSource]
    from pycanon import anonymity  # pyright: ignore[reportMissingImports]

    frame = pandas.read_csv(path, sep=";", dtype=str, keep_default_na=False)
    left = [column for column in QUASI_IDENTIFIERS if column in frame.columns]
    people = frame.drop_duplicates([PERSON, *left])
    return int(anonymity.k_anonymity(people, left)), len(frame)
