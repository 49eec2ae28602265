"""A recipe's table operators, one after the other, then its text operators, over one table."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from services.deid.engine.operator import Keys, Step
from services.deid.engine.table import anonymity, columns, pseudonymise
from services.deid.engine.table.cells import CellText
from services.deid.engine.table.examine import examined, left_standing
from services.deid.engine.table.nested import holds_bytes
from services.deid.engine.table.outcome import Outcome
from services.deid.engine.table.sampling import Tally
from services.deid.engine.table.table import Table
from services.deid.engine.table.withhold import Withheld
from services.deid.engine.table.work import Work

if TYPE_CHECKING:
    import polars as pl

APPLY: dict[str, Callable[[Work, Any], None]] = {
    "table.drop": columns.drop,
    "table.generalise": columns.generalise,
    "table.pseudonymise": pseudonymise.pseudonymise,
    "table.code": columns.code,
    "table.free-text": columns.free_text,
    "table.k-anonymity": anonymity.apply,
}


def carry_out(
    table: Table, steps: Sequence[Step], keys: Keys, text: CellText | None, tally: Tally, rows_left_out: int = 0
) -> tuple[Work, dict[str, str]]:
    """Apply a recipe to a table: (the table as it is to be written, with measures; its columns' names by key).

    `rows_left_out` counts rows that reading has left out already. Raises Withheld.
    """
    source, names = table.frame, dict(table.names)
    work = Work(table, keys, text)
    # Persons are told apart by what the source says, whatever operators do to that column before or after.
    for step in steps:
        if isinstance(step.params, anonymity.Anonymity) and (person := step.params.person) is not None:
            for key in work.columns([person], step.params)[:1]:
                work.persons[person] = pseudonymise.numbered(table.column(key)).to_numpy()
    for step in steps:
        APPLY[step.operator.name](work, step.params)
    if any(holds_bytes(work.table.frame.schema[key]) for key in work.table.keys):
        raise Withheld("parquet-column-type")
    outcome = Outcome(work, source, names, tally)
    for key, name in names.items():
        if text is not None and (hit := text.hit(name)) is not None:
            outcome.name(key, hit)
    for key in names:
        if key in work.done:
            if text is not None and key in work.table.names:
                _examine_made(work, text, key, source[key], names[key])
            outcome.changed(key)
        elif text is not None:
            outcome.text(key, text, write=key not in work.table.examined)
        else:
            outcome.left(key)
    for promise in work.promises:
        promise.hold(work)
    written = outcome.close()
    rows = source.height + rows_left_out
    work.measures["rows"] = work.table.frame.height
    work.measures["rows_suppressed"] = rows - work.table.frame.height
    work.measures["rows_kept_share"] = round(work.table.frame.height / rows, 6) if rows else 1.0
    return work, written


def _examine_made(work: Work, text: CellText, key: str, source: "pl.Series", name: str) -> None:
    """Put what came through an operator from the source, and may hold anything, through the text operators too."""
    after = examined(work.table.frame[key], text, name, left_standing(source)).after()
    work.table.frame = work.table.frame.with_columns(after.alias(key))
