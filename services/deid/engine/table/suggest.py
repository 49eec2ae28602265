"""Which columns of a table point at people, told from their names and their values, with the reason in words."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from services.deid.engine.table import values as v
from services.deid.engine.table import vocabulary as words
from services.deid.engine.table.hierarchies import CategoryHierarchy, DateHierarchy, as_text, encode, infer
from services.deid.engine.table.withhold import Withheld

if TYPE_CHECKING:
    import polars as pl

Role = Literal["identifier", "quasi-identifier", "sensitive", "free-text", "other"]
_HEAD = 8 * 1024**2
"""Bytes of a CSV file that are read for suggestions, cut at a row's end."""
_ROWS = 50_000
_LOOKED_AT = 400
"""Distinct values of a column whose form is looked at."""
_MOST = 0.6
"""Share of these that must have a form for the column to have it."""
_NEAR_UNIQUE = 0.95
_FEW_ROWS = 20
"""Below so many rows, that values differ says nothing."""
_CATEGORIES = 100
_WORDS = 4
"""So many words a cell, on average, and the column is free text."""


@dataclass(frozen=True)
class Suggestion:
    """What a column is taken for, and what could be done to it."""

    column: str
    role: Role
    reason: str
    """In English."""
    reason_sv: str
    operator: str | None = None
    """Nothing needs to be done where it is None, or what is suggested at another column does it."""
    params: dict[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True)
class _Seen:
    """What there is to say of one column."""

    name: str
    rows: int
    distinct: int
    present: list[str]
    """A sample of its distinct values that say something."""
    numeric: bool
    typed: bool
    """Whether its type, not its values, says what it is (a number or a date of a Parquet file)."""
    word: words.Word | None
    form: str | None
    words_each: float


def suggest(frame: "pl.DataFrame") -> list[Suggestion]:
    """Return a suggestion for every column, in order.

    All quasi-identifiers go into one table.k-anonymity, which stands at the first of them. It counts by person where a
    column tells people apart.
    """
    return suggest_columns(frame.get_columns())


def suggest_columns(columns: "Sequence[pl.Series]") -> list[Suggestion]:
    """Return a suggestion for every column, in order; see `suggest`."""
    seen = [_look(column) for column in columns]
    roles = [_role(column) for column in seen]
    person = next(
        (column.name for column, (role, _) in zip(seen, roles, strict=True) if _tells_people(column, role)), None
    )
    quasi = [column for column, (role, _) in zip(seen, roles, strict=True) if role == "quasi-identifier"]
    return [_suggestion(column, role, why, quasi, person) for column, (role, why) in zip(seen, roles, strict=True)]


def suggest_for(content: bytes, parquet: bool) -> list[Suggestion]:
    """Return suggestions for a table as it lies in a file, from its first rows. Raises Withheld where it cannot be
    read.
    """
    from services.deid.engine.table.csv_table import read_csv
    from services.deid.engine.table.dialect import opened
    from services.deid.engine.table.encoding import read_text
    from services.deid.engine.table.parquet_table import read_parquet
    from services.deid.engine.table.tokens import head

    if parquet:
        table = read_parquet(content).table
    else:
        _, body, dialect = opened(read_text(content).body)
        table = read_csv(head(body, dialect, _HEAD), dialect).table
    named: dict[str, pl.Series] = {}
    for key in table.keys:
        named.setdefault(
            table.names[key], table.column(key).head(_ROWS)
        )  # operators name columns, and take both of two
    return suggest_columns(list(named.values()))


def suggest_file(content: bytes, media_type: str) -> list[Suggestion]:
    """Return suggestions for a table as it lies in a file; none for what is no table, or cannot be read as one."""
    if media_type not in ("text/csv", "text/tab-separated-values", "application/vnd.apache.parquet"):
        return []
    try:
        return suggest_for(content, media_type == "application/vnd.apache.parquet")
    except Withheld:
        return []


def recipe(suggestions: Sequence[Suggestion]) -> list[dict[str, Any]]:
    """Return the operators of a recipe made of suggestions: k-anonymity first, single columns after it."""
    steps = [{"operator": s.operator, "params": s.params} for s in suggestions if s.operator]
    return sorted(steps, key=lambda step: step["operator"] != "table.k-anonymity")


def _look(column: "pl.Series") -> _Seen:
    _, distinct, _ = encode(column)
    texts = [as_text(value) for value in distinct[:: max(1, len(distinct) // _LOOKED_AT)] if value is not None]
    present = [text for text in texts if not v.is_missing(text)]
    numbers = sum(v.parse_number(text) is not None for text in present)
    return _Seen(
        name=column.name,
        rows=len(column) - column.null_count(),
        distinct=len(distinct),
        present=present,
        numeric=bool(present) and numbers >= 0.95 * len(present),
        typed=column.dtype.is_numeric() or column.dtype.is_temporal(),
        word=words.word_of(column.name),
        form=_form(present),
        words_each=sum(len(text.split()) for text in present) / max(1, len(present)),
    )


_FORMS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("personal-number", re.compile(r"(?:1[89]|20)?\d{2}(?:0[1-9]|1[0-2])(?:[0-2]\d|3[01]|[6-9]\d)[-+ ]?\d{4}")),
    ("email", re.compile(r"[^@\s]+@[^@\s]+\.[a-zA-Z]{2,}")),
    ("ip", re.compile(r"(?:\d{1,3}\.){3}\d{1,3}|(?:[0-9a-fA-F]{0,4}:){3,7}[0-9a-fA-F]{0,4}")),
    ("phone", re.compile(r"(?:\+|0)[\d ()/-]{6,18}\d")),
    ("uuid", re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")),
    ("link", re.compile(r"(?:https?://|www\.)\S+")),
    ("postal-code", re.compile(r"[1-9]\d{2} \d{2}")),
)


def _form(present: Sequence[str]) -> str | None:
    """The form that most of the values have: one of `_FORMS`, `date`, or `name`."""
    if not present:
        return None
    need = _MOST * len(present)
    for form, pattern in _FORMS:
        if sum(pattern.fullmatch(text.strip()) is not None for text in present) >= need:
            return form
    dated = [v.parse_date(text) for text in present]
    if sum(d is not None and d.months == 0 for d in dated) >= need and not all(t.strip().isdigit() for t in present):
        return "date"
    return "name" if _names(present) >= need else None


def _names(present: Sequence[str]) -> float:
    """How many of the values are names of people, as the text operators know them, counted on some of them."""
    from services.deid.engine.operator import Keys
    from services.deid.engine.table.pseudonymise import Pseudonyms

    some = present[:: max(1, len(present) // 100)]
    if not any(text[:1].isupper() for text in some):
        return 0.0
    told = Pseudonyms(Keys("", b""), "auto")
    return sum(told.normal(text)[0] == "name" for text in some) / len(some) * len(present)


_IDENTIFYING = {
    "personal-number": ("personnummer", "personal numbers"),
    "email": ("e-postadresser", "e-mail addresses"),
    "ip": ("IP-adresser", "IP addresses"),
    "phone": ("telefonnummer", "telephone numbers"),
    "uuid": ("unika nycklar", "unique keys"),
    "link": ("länkar", "links"),
    "name": ("namn på personer", "names of people"),
}
_Why = tuple[str, str]
"""Swedish, English."""


def _role(column: _Seen) -> tuple[Role, _Why]:
    """Tell a column's role: values that identify by their form first, then its name, then how its values spread."""
    if column.form in _IDENTIFYING and not (column.typed and column.form == "phone"):
        swedish, english = _IDENTIFYING[column.form]
        if column.form != "name" or column.word is None or column.word.role == "identifier":
            return "identifier", (f"Värdena är {swedish}.", f"The values are {english}.")
    if not column.present:
        return "other", ("Kolumnen är tom.", "The column is empty.")
    share = column.distinct / max(1, column.rows)
    if column.word is not None and column.word.role != "free-text":
        word = column.word
        if not (word.sort == "id" and share < 0.02):
            said = (f"Namnet säger {word.means[0]}.", f"The name says {word.means[1]}.")
            return word.role, said
    if column.words_each >= _WORDS or (column.word is not None and column.words_each > 1.5):
        return "free-text", ("Cellerna är löpande text.", "The cells are running text.")
    if column.form in ("date", "postal-code"):
        what = ("datum", "dates") if column.form == "date" else ("postnummer", "postal codes")
        return "quasi-identifier", (
            f"Värdena är {what[0]}, som andra kan känna till.",
            f"The values are {what[1]}, which others may know.",
        )
    if share >= _NEAR_UNIQUE and column.rows >= _FEW_ROWS and not _measured(column):
        return "identifier", ("Nästan varje rad har sitt eget värde.", "Nearly every row has a value of its own.")
    if column.distinct == 1:
        return "other", ("Alla rader har samma värde.", "All rows have the same value.")
    if not column.numeric and column.distinct <= max(_CATEGORIES, column.rows // 20):
        return "quasi-identifier", (
            "Värdena delar in människor i grupper som andra kan känna till.",
            "The values sort people into groups that others may know.",
        )
    return "other", ("Inget tyder på att kolumnen pekar ut någon.", "Nothing tells that the column points at anybody.")


def _measured(column: _Seen) -> bool:
    """Whether values are measurements: numbers with fractions differ from row to row, and nobody is known by them."""
    return column.numeric and any("." in text or "," in text for text in column.present)


def _tells_people(column: _Seen, role: Role) -> bool:
    if role != "identifier":
        return False
    return column.form in ("personal-number", "uuid") or (
        column.word is not None and column.word.sort in ("personal-number", "id")
    )


def _suggestion(column: _Seen, role: Role, why: _Why, quasi: Sequence[_Seen], person: str | None) -> Suggestion:
    operator: str | None = None
    params: dict[str, Any] = {}
    swedish, english = why
    if role == "identifier":
        operator, params = "table.drop", {"columns": [column.name]}
        if column.name == person:
            kind = "personal-number" if column.form == "personal-number" else "auto"
            operator, params = "table.pseudonymise", {"columns": [column.name], "kind": kind}
            swedish += " En pseudonym håller ihop en persons rader."
            english += " A pseudonym keeps a person's rows together."
    elif role == "quasi-identifier" and column is quasi[0]:
        operator, params = "table.k-anonymity", _anonymity(quasi, person)
    elif role == "quasi-identifier":
        swedish += f" Generaliseras tillsammans med {quasi[0].name}."
        english += f" Generalised together with {quasi[0].name}."
    elif role == "sensitive":
        swedish += " Känslig: k-anonymitet skyddar den inte där alla i en grupp har samma värde."
        english += " Sensitive: k-anonymity does not protect it where all of a class share a value."
        if column.numeric and column.distinct > _CATEGORIES:
            operator, params = "table.code", {"columns": [column.name], "share": 0.01}
    elif role == "free-text":
        operator, params = "table.free-text", {"columns": [column.name]}
        swedish += " Textoperatorerna går igenom dem."
        english += " The text operators go over them."
    return Suggestion(column.name, role, english, swedish, operator, params)


def _anonymity(quasi: Sequence[_Seen], person: str | None) -> dict[str, Any]:
    entries: list[dict[str, Any]] = []
    for column in quasi:
        hierarchy = _hierarchy(column)
        entries.append({"column": column.name, "hierarchy": hierarchy})
    told: Mapping[str, Any] = {} if person is None else {"person": person}
    return {"k": 5, **told, "quasi_identifiers": entries}


def _hierarchy(column: _Seen) -> dict[str, Any]:
    sort = column.word.sort if column.word else None
    if sort == "age" and column.numeric:
        return {"kind": "age"}
    if sort == "postal-code" or column.form == "postal-code":
        return {"kind": "postal-code"}
    told = infer(column.present, column.name)
    if isinstance(told, DateHierarchy) or column.form == "date":
        return {"kind": "date"}
    return {"kind": "category" if isinstance(told, CategoryHierarchy) else told.kind}
