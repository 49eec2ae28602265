"""What every part of the story shares: people who sign in, steps that are told and timed, and the report."""

import json
import os
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from datafactory import Client, sign_in_as
from datafactory.progress import OnProgress
from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

REPORT_SCHEMA = 1


class ExpectationFailed(Exception):
    """Something came out otherwise than the factory promises."""


def expect(holds: bool, otherwise: str) -> None:
    """Go on if `holds`, else stop the story and say what was expected."""
    if not holds:
        raise ExpectationFailed(otherwise)


@dataclass
class Step:
    """One step of the story: what it was, who did it, what came of it."""

    name: str
    actor: str
    told: str = ""
    seconds: float = 0.0
    ids: dict[str, str] = field(default_factory=dict[str, str])
    figures: dict[str, Any] = field(default_factory=dict[str, Any])

    def says(self, what: str) -> None:
        """Tell in one line what happened."""
        self.told = what

    def line(self) -> dict[str, Any]:
        """Return the step as the report has it."""
        return {
            "name": self.name,
            "actor": self.actor,
            "seconds": round(self.seconds, 3),
            "ids": self.ids,
            "figures": self.figures,
        }


@dataclass
class Person:
    """Someone signed in: their client and who the factory takes them for."""

    name: str
    client: Client
    id: str


class Stage:
    """The factory, the people in it, and what has been told so far."""

    def __init__(self, base_url: str, state: Path, operator_secret: str | None, big_bytes: int) -> None:
        self.base_url = base_url.rstrip("/")
        self.state = state
        self.operator_secret = operator_secret
        self.big_bytes = big_bytes
        self.run = secrets.token_hex(4)
        self.console = Console(highlight=False)
        self.steps: list[Step] = []
        self.figures: dict[str, Any] = {}
        self.began = time.monotonic()
        self._people: dict[str, Person] = {}
        state.mkdir(parents=True, exist_ok=True)

    def person(self, name: str) -> Person:
        """Return `name`, signed in by the code flow the first time they are needed."""
        if name not in self._people:
            client = Client(self.base_url, sign_in_as(self.base_url, name), state_folder=self.state / "uploads")
            self._people[name] = Person(name, client, str(client.partners.me()["id"]))
        return self._people[name]

    def people(self) -> list[Person]:
        """Return everyone who has signed in."""
        return list(self._people.values())

    @contextmanager
    def step(self, name: str, actor: str) -> Iterator[Step]:
        """Time a step and tell it in one line when it has succeeded."""
        step = Step(name, actor)
        began = time.monotonic()
        try:
            yield step
        except BaseException:
            self.console.print(f"[red]✗[/] [bold]{escape(name)}[/] — {escape(actor)}")
            raise
        finally:
            step.seconds = time.monotonic() - began
            self.steps.append(step)
        told = f" — {escape(step.told)}" if step.told else ""
        self.console.print(
            f"[green]✓[/] [bold]{escape(name)}[/] — [cyan]{escape(actor)}[/]{told} — [dim]{step.seconds:.1f} s[/]",
            soft_wrap=True,
        )

    @contextmanager
    def progress(self, what: str, total: int) -> Iterator[OnProgress]:
        """Show a bar while something long goes on; the function it gives adds up what several workers report."""
        so_far: dict[str, int] = {}
        lock = threading.Lock()
        with Progress(
            TextColumn("  {task.description}"),
            BarColumn(),
            DownloadColumn(),
            TransferSpeedColumn(),
            TimeRemainingColumn(),
            console=self.console,
            transient=True,
            disable=not self.console.is_terminal,
        ) as bars:
            task = bars.add_task(what, total=total)

            def on_progress(name: str, done: int, total: int) -> None:
                with lock:
                    so_far[name] = done
                    bars.update(task, completed=sum(so_far.values()))

            yield on_progress

    @contextmanager
    def counting(self, what: str) -> Iterator[Callable[[dict[str, Any]], None]]:
        """Show a bar of files while a run goes on; the function it gives takes the run's progress."""
        with Progress(
            TextColumn("  {task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            console=self.console,
            transient=True,
            disable=not self.console.is_terminal,
        ) as bars:
            task = bars.add_task(what, total=None)

            def tell(progress: dict[str, Any]) -> None:
                bars.update(task, completed=progress["files_done"] or 0, total=progress["files_total"] or None)

            yield tell

    @staticmethod
    def plain(text: Any) -> str:
        """Return a text of the factory that may come in two languages."""
        return str(text["en"] if isinstance(text, dict) else text)

    def wait_for(self, what: str, holds: Callable[[], bool], within_s: float, every_s: float = 0.2) -> float:
        """Ask until something holds; return the seconds it took. It fails the story if it never does."""
        began = time.monotonic()
        while not holds():
            expect(time.monotonic() - began < within_s, f"{what} within {within_s:.0f} s")
            time.sleep(every_s)
        return time.monotonic() - began

    def report(self, failure: str | None) -> Path:
        """Write report.json, whole or not at all; return where."""
        document: dict[str, Any] = {
            "schema": REPORT_SCHEMA,
            "ok": failure is None,
            "seconds": round(time.monotonic() - self.began, 3),
            "steps": [step.line() for step in self.steps],
            "figures": self.figures,
        }
        if failure is not None:
            document["failure"] = failure
        path = self.state / "report.json"
        unfinished = path.with_suffix(".new")
        unfinished.write_text(json.dumps(document, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
        os.replace(unfinished, path)
        return path

    def close(self) -> None:
        """Close every connection."""
        for person in self._people.values():
            person.client.close()
