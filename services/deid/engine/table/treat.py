"""Tables: CSV and Parquet under a recipe's steps. Nothing leaves these functions as an exception."""

from collections.abc import Callable, Sequence

from services.deid.engine.operator import Keys, Step, Treated
from services.deid.engine.table.cells import CellText, TextPlan
from services.deid.engine.table.csv_table import read_csv, write_csv
from services.deid.engine.table.csv_text import treat_cells
from services.deid.engine.table.dialect import opened
from services.deid.engine.table.encoding import read_text
from services.deid.engine.table.parquet_table import MAX_CELLS, read_parquet, write_parquet
from services.deid.engine.table.recipe import carry_out
from services.deid.engine.table.sampling import Tally
from services.deid.engine.table.withhold import REASONS, Withheld

__all__ = ["REASONS", "treat_csv", "treat_parquet"]

CSV = "text/csv"
TSV = "text/tab-separated-values"
PARQUET = "application/vnd.apache.parquet"
MAX_BYTES = 512 * 1024**2


def treat_csv(content: bytes, steps: Sequence[Step], keys: Keys, text_plan: TextPlan | None) -> Treated:
    """Treat a CSV file: its table operators in their order, then the text plan over every cell they did not write."""
    return _guarded(CSV, content, lambda: _csv(content, steps, keys, text_plan))


def treat_parquet(content: bytes, steps: Sequence[Step], keys: Keys, text_plan: TextPlan | None) -> Treated:
    """Treat a Parquet file in the same way; it is written anew, without any of its metadata."""
    return _guarded(PARQUET, content, lambda: _parquet(content, steps, keys, text_plan))


def _guarded(media_type: str, content: bytes, treat: Callable[[], Treated]) -> Treated:
    """Run a treatment; whatever goes wrong withholds the file."""
    try:
        if len(content) > MAX_BYTES:
            raise Withheld("table-too-large")
        return treat()
    except Withheld as reason:
        return Treated(None, media_type, withheld=reason.code)
    except MemoryError:
        return Treated(None, media_type, withheld="table-too-large")
    except (KeyboardInterrupt, SystemExit, GeneratorExit):
        raise
    except BaseException as error:  # a panic of a native library is no Exception
        # The error's kind helps whoever looks into it; its message may quote the table.
        return Treated(None, media_type, measures={"error": type(error).__name__}, withheld="table-failed")


def _csv(content: bytes, steps: Sequence[Step], keys: Keys, text_plan: TextPlan | None) -> Treated:
    table_steps = _table_steps(steps, text_plan)
    source = read_text(content)
    hint, body, dialect = opened(source.body)
    if dialect.delimiter and body.count(dialect.delimiter.encode()) > MAX_CELLS:
        raise Withheld("table-too-large")
    tally = Tally(content, keys)
    result = Treated(content, TSV if dialect.delimiter == "\t" else CSV)
    text = None if text_plan is None else CellText(text_plan, spreadsheet=True)
    if table_steps:
        read = read_csv(body, dialect)
        work, names = carry_out(read.table, table_steps, keys, text, tally, read.rows_ragged)
        result.content = source.encode(hint + write_csv(read, work.table, names))
        result.measures = work.measures
    elif text is not None and (after := treat_cells(body, dialect, text, tally)) != body:
        result.content = source.encode(hint + after)
    return tally.fill(result)


def _parquet(content: bytes, steps: Sequence[Step], keys: Keys, text_plan: TextPlan | None) -> Treated:
    table_steps = _table_steps(steps, text_plan)
    tally = Tally(content, keys)
    read = read_parquet(content)
    text = None if text_plan is None else CellText(text_plan)
    work, names = carry_out(read.table, table_steps, keys, text, tally)
    result = tally.fill(Treated(write_parquet(read, work.table, names), PARQUET))
    result.measures = work.measures
    return result


def _table_steps(steps: Sequence[Step], text_plan: TextPlan | None) -> list[Step]:
    found = [step for step in steps if step.operator.family == "table"]
    if not found and text_plan is None:
        raise Withheld("no-operator-for-table")
    return found
