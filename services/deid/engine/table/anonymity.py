"""table.k-anonymity: each combination of quasi-identifiers that is written is shared by k persons or more."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, model_validator

from services.deid.engine.operator import Params
from services.deid.engine.table.hierarchies import Hierarchy, Ladder, as_text, build, encode
from services.deid.engine.table.recoding import Recoded, Recoding, class_sizes, recode
from services.deid.engine.table.vocabulary import OF_PEOPLE, word_of
from services.deid.engine.table.withhold import Withheld
from services.deid.engine.table.work import Promise, TableParams, Work

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

Column = Annotated[str, Field(max_length=1000)]


class QuasiIdentifier(Params):
    """A column that, with others, may point at somebody, and how it may be generalised."""

    column: Column
    hierarchy: Hierarchy | None = Field(default=None, description="Told from the values when it is not given.")
    max_level: Annotated[int, Field(ge=0, le=20)] | None = Field(
        default=None, description="The level it may be generalised to at most; 0 leaves it as it is."
    )


class Anonymity(TableParams):
    """Parameters of table.k-anonymity."""

    quasi_identifiers: tuple[QuasiIdentifier, ...] = Field(min_length=1, max_length=64)
    k: int = Field(default=5, ge=2, le=1_000_000, description="Persons who share each combination, at least.")
    person: Column | None = Field(
        default=None,
        description="Tells people apart: several rows of one person count once. Without it every row is a person.",
    )
    max_suppressed: float = Field(
        default=0.05,
        ge=0,
        le=1,
        description="Share of the rows that may be taken away; above it the table is withheld.",
    )
    recoding: Recoding = Field(
        default="local",
        description="local: classes stand at levels of their own, and least is lost. global: each column at one level.",
    )

    @model_validator(mode="after")
    def _named_once(self) -> "Anonymity":
        names = [entry.column for entry in self.quasi_identifiers]
        if len(set(names)) != len(names):
            raise ValueError("each column once")
        if self.person in names:
            raise ValueError("the person column tells people apart: it is no quasi-identifier")
        return self


def apply(work: Work, params: Anonymity) -> None:
    """Generalise, and take away what cannot be; see `recoding`. Raises Withheld (`k-unreachable`, `column-missing`)."""
    import polars as pl

    named: list[tuple[str, QuasiIdentifier]] = []
    for entry in params.quasi_identifiers:
        named += [(key, entry) for key in work.columns([entry.column], params)]
    if not named:
        work.promises.append(_Nobody())
        return
    if not work.table.frame.height:
        work.measures.setdefault("people", False)
        return
    work.measures["people"] = True
    persons = _persons(work, params)
    columns = [work.table.column(key) for key, _ in named]
    ladders = [build(column, e.hierarchy, e.max_level) for column, (_, e) in zip(columns, named, strict=True)]
    sizes = class_sizes([ladder.code for ladder in ladders], persons)
    rows = len(sizes)
    recoded = recode(ladders, persons, params.k, params.max_suppressed, params.recoding)
    if recoded is None:
        raise Withheld("k-unreachable")
    _measure(work, params, named, ladders, recoded, sizes)
    for (key, _), ladder, level, column in zip(named, ladders, recoded.levels, columns, strict=True):
        work.table.write(key, written(column, ladder, level))
        work.done[key] = ("quasi-identifier", "table.k-anonymity")
    work.table.frame = work.table.frame.filter(pl.Series(recoded.kept))
    work.suppressed += rows - work.table.frame.height
    work.promises.append(_Promise(params.k, [key for key, _ in named], params.person))


def _persons(work: Work, params: Anonymity) -> "NDArray[np.int64] | None":
    if params.person is None:
        return None
    if params.person not in work.persons:
        if params.if_missing == "withhold":
            raise Withheld("column-missing")
        return None
    return work.persons[params.person][work.rows()]


def written(column: "pl.Series", ladder: Ladder, level: "NDArray[np.int8]") -> "pl.Series":
    """Write each row's value at its level. A column that stays whole keeps its type, another becomes text."""
    import numpy as np
    import polars as pl

    if not (level > 0).any():
        return column
    labels: list[str | None] = []
    index = np.zeros(len(level), np.int64)
    for number, (mapped, shown) in enumerate(zip(ladder.maps, ladder.labels, strict=True)):
        there = level == number
        index[there] = len(labels) + mapped[ladder.code[there]]
        labels += [None if label is None else as_text(label) for label in shown]
    return pl.Series(column.name, labels, dtype=pl.String).gather(index)


def _measure(
    work: Work,
    params: Anonymity,
    named: Sequence[tuple[str, QuasiIdentifier]],
    ladders: Sequence[Ladder],
    recoded: Recoded,
    sizes: "NDArray[np.int64]",
) -> None:
    """Note what the table was and what was done to it. What it is then, the promise counts."""
    import numpy as np

    levels: dict[str, dict[str, float]] = {}
    for (_, entry), ladder, level in zip(named, ladders, recoded.levels, strict=True):
        counts = np.bincount(level[level >= 0], minlength=len(ladder.names))
        levels[entry.column] = {
            name: round(int(count) / len(level), 4) for name, count in zip(ladder.names, counts, strict=True) if count
        }
    measures = work.measures
    measures["k"] = min(params.k, measures.get("k", params.k))
    measures["k_before"] = min(int(sizes.min()), measures.get("k_before", int(sizes.min())))
    before = float((sizes == 1).mean())
    measures["unique_share_before"] = round(max(before, measures.get("unique_share_before", 0.0)), 6)
    measures["utility_loss"] = round(max(recoded.loss, measures.get("utility_loss", 0.0)), 6)
    measures.setdefault("levels", {}).update(levels)


@dataclass(frozen=True)
class _Nobody(Promise):
    """The table is about nobody: none of the quasi-identifiers is in it, nor what only people have under other names.

    Where it has that, nothing is said, and its k is not known.
    """

    def hold(self, work: Work) -> None:
        left = (name for key, name in work.table.names.items() if key not in work.done)
        if not any((word := word_of(name)) and word.sort in OF_PEOPLE for name in left):
            work.measures.setdefault("people", False)


@dataclass(frozen=True)
class _Promise(Promise):
    """k, counted again in the table that is written: later operators may have taken rows away."""

    k: int
    columns: list[str]
    person: str | None

    def hold(self, work: Work) -> None:
        import numpy as np

        rows = work.table.frame.height
        if not rows:
            return
        # Columns that were dropped later leave everybody alike in them.
        codes = [encode(work.table.frame[key])[0] for key in self.columns if key in work.table.names]
        persons = None if self.person is None else work.persons.get(self.person)
        sizes = class_sizes(codes or [np.zeros(rows, np.int32)], None if persons is None else persons[work.rows()])
        smallest, unique = int(sizes.min()), round(float((sizes == 1).mean()), 6)
        if smallest < self.k:
            raise Withheld("k-unreachable")
        measures: dict[str, Any] = work.measures
        measures["k_min"] = min(smallest, measures.get("k_min", smallest))
        measures["unique_share"] = max(unique, measures.get("unique_share", 0.0))
