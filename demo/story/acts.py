"""The order of the story, and how it ends."""

import shutil
import sys
import time
from pathlib import Path

import httpx
from datafactory import FactoryError
from rich.markup import escape
from rich.panel import Panel

from .annotating import annotate
from .arriving import arrive
from .asking import from_no_to_yes, second_access
from .giving import Gift, give
from .preparing import prepare
from .proving import prove
from .reading import read
from .revoking import take_back
from .stage import ExpectationFailed, Stage


def play(stage: Stage) -> int:
    """Play every part; write the report; return the exit status."""
    stage.console.print(f"[bold]Data Factory[/] at {escape(stage.base_url)}\n")
    gift: Gift | None = None
    failure: str | None = "it was interrupted"
    try:
        cast = arrive(stage)
        gift = give(stage, cast)
        access = from_no_to_yes(stage, cast, gift)
        read(stage, gift, access)
        other = second_access(stage, cast, gift)
        take_back(stage, cast, gift, access, other)
        prove(stage, [access, other])
        prepare(stage, cast)
        annotate(stage, cast)
        failure = None
    except ExpectationFailed as failed:
        failure = f"expected: {failed}"
    except (FactoryError, httpx.HTTPError, KeyError, ValueError, OSError) as error:
        failure = f"{type(error).__name__}: {error}"
    finally:
        report = stage.report(failure)
        stage.close()
    seconds = time.monotonic() - stage.began
    if failure is not None:
        step = stage.steps[-1].name if stage.steps else "start"
        stage.console.print(Panel(escape(f"{step}\n{failure}"), title="The demo failed", border_style="red"))
        stage.console.print(f"Report: {report}")
        return 1
    stage.console.print(
        f"\n[green]Every expectation held[/] ({len(stage.steps)} steps, {seconds:.0f} s). Report: {report}"
    )
    stage.console.print(_next(stage, gift), soft_wrap=True)
    return 0


def _next(stage: Stage, gift: Gift | None) -> str:
    url = escape(stage.base_url)
    factory = escape(_command())
    lines = [
        f"\nThe factory stays up at [bold]{url}[/]  (API: {url}/docs, sign in as donor, steward, researcher, …)",
        "Try next:",
        f"  export FACTORY_URL={url}",
        f"  {factory} login --as researcher",
        f"  {factory} search digits",
    ]
    if gift:
        lines.append(f"  {factory} dataset {gift.dataset_id}")
    return "\n".join([*lines, f"  {factory} --help", "  make down"])


def _command() -> str:
    """Return how to call the command line from here: it lies beside the Python that runs the demo."""
    beside = Path(sys.executable).with_name("factory")
    if shutil.which("factory") == str(beside) or not beside.exists():
        return "factory"
    here = Path.cwd()
    return str(beside.relative_to(here)) if beside.is_relative_to(here) else str(beside)
