"""What libraries log becomes one line of JSON that quotes nothing of what people sent."""

import asyncio
import io
import json
import logging
from collections.abc import Iterator

import pytest

from services.kit.telemetry import LibraryLines

SECRET = "Rut Forskare, räksmörgås.csv"


@pytest.fixture
def out() -> Iterator[io.StringIO]:
    """What the factory's own handler writes."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(LibraryLines())
    logging.getLogger().addHandler(handler)
    yield stream
    logging.getLogger().removeHandler(handler)


def written(out: io.StringIO) -> dict[str, object]:
    (line,) = out.getvalue().splitlines()
    assert SECRET not in line
    assert json.dumps(SECRET)[1:-1] not in line
    return json.loads(line)


def test_an_exceptions_message_and_a_records_arguments_are_left_out(out: io.StringIO) -> None:
    try:
        raise ValueError(SECRET)
    except ValueError:
        logging.getLogger("sqlalchemy.pool").exception("Exception terminating connection %r", SECRET)
    line = written(out)
    assert (line["logger"], line["level"]) == ("sqlalchemy.pool", "error")
    assert line["event"] == "Exception terminating connection %r"
    assert isinstance(line["where"], list)
    assert line["where"][0] == "ValueError"
    assert "test_library_lines.py" in str(line["where"][1])


async def test_asyncios_report_of_a_forgotten_task_quotes_no_exception(out: io.StringIO) -> None:
    async def fail() -> None:
        raise ValueError(SECRET)

    task = asyncio.ensure_future(fail())
    await asyncio.wait([task])
    context = {"message": "Task exception was never retrieved", "future": task, "exception": task.exception()}
    asyncio.get_running_loop().default_exception_handler(context)
    assert written(out)["event"] == "Task exception was never retrieved"
