"""Courses: reading them and taking their test, in Swedish or English."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.markdown import Markdown
from rich.markup import escape
from rich.prompt import Prompt

from datafactory.cli.failures import FAILED
from datafactory.cli.language import say
from datafactory.cli.output import factory, print_json, table, terminal
from datafactory.errors import Json

Course = Annotated[
    str, typer.Argument(metavar="COURSE", help=say("id, see factory course list", "id, se factory course list"))
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    course = typer.Typer(no_args_is_help=True, help=say("Courses that terms require.", "Kurser som villkor kräver."))
    app.add_typer(course, name="course")

    @course.command("list", help=say("List the courses.", "Lista kurserna."))
    def list_courses() -> None:
        with factory() as client:
            found = client.courses.all()
        table(
            found,
            (
                ("id", "id"),
                ("title", say("title", "titel")),
                ("valid_until", say("you have it until", "du har den till")),
            ),
            empty=say("No courses.", "Inga kurser."),
        )

    @course.command(help=say("Read a course.", "Läs en kurs."))
    def read(course_id: Course) -> None:
        with factory() as client:
            found = client.courses.get(course_id)
        if terminal().json:
            print_json(found)
        else:
            terminal().out.print(Markdown(str(found["lesson"])), soft_wrap=False)

    @course.command(help=say("Take the test of a course.", "Gör provet till en kurs."))
    def take(
        course_id: Course,
        answers: Annotated[
            Path | None,
            typer.Option(
                exists=True,
                dir_okay=False,
                help=say(
                    "JSON file {question: option}, instead of being asked",
                    "JSON-fil {fråga: svar} i stället för frågor",
                ),
            ),
        ] = None,
    ) -> None:
        prepared: dict[str, str] | None = json.loads(answers.read_text(encoding="utf-8")) if answers else None
        with factory() as client:
            attempt = client.courses.start(course_id)
            given = {
                str(q["id"]): prepared[str(q["id"])] if prepared else _ask(number, len(attempt["questions"]), q)
                for number, q in enumerate(attempt["questions"], 1)
            }
            result = client.courses.submit(str(attempt["id"]), given)
        if terminal().json:
            print_json(result)
        else:
            _show(result)
        if not result["passed"]:
            raise typer.Exit(FAILED)

    @course.command(help=say("List what you have completed.", "Lista vad du har klarat."))
    def completed() -> None:
        with factory() as client:
            found = client.courses.completions()
        columns = (("course", say("course", "kurs")), ("valid_until", say("valid until", "giltig till")))
        table(found, columns, empty=say("Nothing yet.", "Inget ännu."))


def _ask(number: int, count: int, question: Json) -> str:
    out = terminal().err
    out.print(f"\n[bold]{number}/{count}[/] {escape(str(question['text']))}")
    letters = "abcdefghijklmnopqrstuvwxyz"
    options = {letters[i]: option for i, option in enumerate(question["options"])}
    for letter, option in options.items():
        out.print(f"  [cyan]{letter}[/] {escape(str(option['text']))}")
    chosen = Prompt.ask(say("Your answer", "Ditt svar"), choices=list(options), console=out)
    return str(options[chosen]["id"])


def _show(result: Json) -> None:
    out = terminal().out
    score = f"{result['score']} % ({say('pass mark', 'gräns')} {result['pass_mark']} %)"
    if result["passed"]:
        until = str(result.get("valid_until") or "")[:10]
        out.print(f"[green]✓[/] {say('Passed', 'Godkänt')}: {score}. {say('Valid until', 'Gäller till')} {until}")
    else:
        out.print(f"[red]✗[/] {say('Not passed', 'Inte godkänt')}: {score}")
    for mistake in result.get("mistakes") or []:
        out.print(f"  [yellow]•[/] {escape(str(mistake['text']))}")
        out.print(f"    {escape(str(mistake['explanation']))}")
    if not result["passed"] and result.get("next_attempt_at"):
        out.print(f"{say('Next attempt from', 'Nästa försök från')} {result['next_attempt_at']}")
