"""What the commands print: tables and panels for people, JSON for programs."""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.panel import Panel
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn
from rich.table import Table

from datafactory.cli.language import current, told
from datafactory.client import Client
from datafactory.errors import Json
from datafactory.progress import OnProgress


@dataclass
class Terminal:
    """How this run speaks: options that stand before every command, and where to print."""

    json: bool = False
    url: str | None = None
    name: str | None = None
    out: Console = field(default_factory=lambda: Console(highlight=False, soft_wrap=True))
    err: Console = field(default_factory=lambda: Console(stderr=True, highlight=False, soft_wrap=True))


class _Run:
    terminal = Terminal()


def terminal() -> Terminal:
    """Return how this run speaks."""
    return _Run.terminal


def set_terminal(value: Terminal) -> None:
    """Speak this way from now on."""
    _Run.terminal = value


@contextmanager
def factory() -> Iterator[Client]:
    """Open the factory for the person this run acts as."""
    from datafactory.cli.keyring import base_url_of, credentials_for

    base_url = base_url_of(terminal().url)
    with Client(base_url, credentials_for(base_url, terminal().name), language=current()) as client:
        yield client


def print_json(value: object) -> None:
    """Print JSON, and nothing else, on stdout."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2) + "\n")
    sys.stdout.flush()


def text_of(value: object) -> str:
    """Return a JSON value as a person reads it."""
    if value is None:
        return "—"
    if isinstance(value, bool):
        return "✓" if value else "✗"
    if isinstance(value, Mapping) and set(value) <= {"sv", "en"}:  # pyright: ignore[reportUnknownArgumentType]
        return told(value)  # pyright: ignore[reportUnknownArgumentType]
    if isinstance(value, list):
        return ", ".join(text_of(part) for part in value)  # pyright: ignore[reportUnknownVariableType]
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {text_of(part)}" for key, part in value.items())  # pyright: ignore[reportUnknownVariableType]
    return str(value)


def table(items: Sequence[Mapping[str, Any]], columns: Sequence[tuple[str, str]], *, empty: str) -> None:
    """Print a list: JSON as it came, or a table of `columns` (member, heading)."""
    if terminal().json:
        print_json(list(items))
        return
    if not items:
        terminal().out.print(f"[dim]{escape(empty)}[/]")
        return
    shown = Table(show_edge=False, pad_edge=False, header_style="bold")
    for member, heading in columns:
        # Ids are what the next command needs: they are never cut.
        shown.add_column(heading, no_wrap=member == "id" or member.endswith("_id"), overflow="fold")
    for item in items:
        shown.add_row(*(escape(text_of(item.get(member))) for member, _ in columns))
    terminal().out.print(shown, soft_wrap=False)


def sheet(title: str, resource: Json, *, leave_out: Sequence[str] = ()) -> None:
    """Print one resource: JSON as it came, or a sheet of its members and what may be done to it now."""
    if terminal().json:
        print_json(resource)
        return
    rows = Table.grid(padding=(0, 2))
    rows.add_column(style="dim", no_wrap=True)
    rows.add_column(overflow="fold")
    for member, value in resource.items():
        if member not in {*leave_out, "allowed_actions", "revision"}:
            rows.add_row(member, escape(text_of(value)))
    may = [str(a["action"]) for a in resource.get("allowed_actions") or [] if a["allowed"]]
    if may:
        rows.add_row("→", escape(", ".join(may)))
    terminal().out.print(Panel(rows, title=escape(title), title_align="left", expand=False), soft_wrap=False)


def done(text: str, resource: object = None) -> None:
    """Tell that something was done: JSON as it came, or one line."""
    if terminal().json:
        print_json(resource if resource is not None else {})
    else:
        terminal().out.print(f"[green]✓[/] {escape(text)}")


def note(text: str) -> None:
    """Tell something on the side; programs that read JSON are not disturbed."""
    if not terminal().json:
        terminal().err.print(f"[dim]{escape(text)}[/]")


@contextmanager
def bars(total: int, what: str) -> Iterator[OnProgress]:
    """Show a bar on stderr for something long; the function it gives adds up what several workers report."""
    so_far: dict[str, int] = {}
    quiet = terminal().json or not terminal().err.is_terminal
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
        console=terminal().err,
        transient=True,
        disable=quiet,
    ) as progress:
        task = progress.add_task(what, total=total or None)

        def on_progress(name: str, done: int, total: int) -> None:
            so_far[name] = done
            progress.update(task, completed=sum(list(so_far.values())))

        yield on_progress
