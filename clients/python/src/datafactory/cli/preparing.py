"""Preparing data: operators, recipes, and runs that treat a version into the next."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from datafactory.cli import failures
from datafactory.cli.language import say
from datafactory.cli.output import done, factory, print_json, sheet, table, terminal, text_of
from datafactory.client import Client
from datafactory.errors import Json
from datafactory.preparation import ENDED

Recipe = Annotated[str, typer.Argument(metavar="RECIPE")]
Run = Annotated[str, typer.Argument(metavar="RUN")]
Version = Annotated[str, typer.Argument(metavar="VERSION")]

RUN_COLUMNS = (
    ("id", "id"),
    ("mode", say("mode", "slag")),
    ("state", say("state", "läge")),
    ("files_treated", say("treated", "behandlade")),
    ("files_withheld", say("withheld", "undanhållna")),
    ("gate", say("gate", "grind")),
    ("result_version_id", say("result", "resultat")),
)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    recipe = typer.Typer(no_args_is_help=True, help=say("Recipes: what is done to files.", "Recept: vad som görs."))
    app.add_typer(recipe, name="recipe")
    run = typer.Typer(no_args_is_help=True, help=say("Runs of recipes.", "Körningar av recept."))
    app.add_typer(run, name="run")
    _operators(app)
    _recipes(recipe)
    _runs(run)


def _operators(app: typer.Typer) -> None:
    @app.command(
        help=say(
            "List what recipes can be made of; with a NAME, what it finds, misses and takes.",
            "Lista vad recept kan bestå av; med ett NAMN: vad den finner, missar och tar emot.",
        )
    )
    def operators(name: Annotated[str | None, typer.Argument(metavar="[NAME]")] = None) -> None:
        with factory() as client:
            found = client.recipes.operators()
        if name is None:
            columns = (("name", say("operator", "operator")), ("version", "version"), ("summary", say("does", "gör")))
            table(found, columns, empty=say("No operators.", "Inga operatorer."))
            return
        chosen = next((operator for operator in found if operator["name"] == name), None)
        if chosen is None:
            raise typer.BadParameter(say(f"no such operator: {name}", f"ingen sådan operator: {name}"))
        sheet(name, chosen, leave_out=("name", "schema"))
        if not terminal().json:
            for parameter, about in (chosen["schema"].get("properties") or {}).items():
                told = about.get("description") or about.get("title") or ""
                default = (
                    f" [dim]({say('default', 'förval')} {escape(text_of(about['default']))})[/]"
                    if "default" in about
                    else ""
                )
                terminal().out.print(f"  [bold]{escape(parameter)}[/]  {escape(str(told))}{default}")


def _recipes(recipe: typer.Typer) -> None:
    @recipe.command(
        help=say(
            'Make a recipe from a JSON file: {"name", "description", "operators": [{"operator", "params"}]}.',
            'Skapa ett recept av en JSON-fil: {"name", "description", "operators": [{"operator", "params"}]}.',
        )
    )
    def create(file: Annotated[Path, typer.Argument(exists=True, dir_okay=False)]) -> None:
        document = read_json(file)
        with factory() as client:
            made = client.recipes.create(
                str(document.get("name") or file.stem),
                document.get("operators") or [],
                document.get("description") or "",
            )
        done(say(f"Recipe {made['id']}, number {made['number']}.", f"Recept {made['id']}, nr {made['number']}."), made)

    @recipe.command("list", help=say("List recipes.", "Lista recept."))
    def list_recipes(most: Annotated[int, typer.Option("--limit", "-n", min=1)] = 50) -> None:
        columns = (("id", "id"), ("name", say("name", "namn")), ("number", "nr"), ("created_at", say("made", "skapat")))
        with factory() as client:
            table(client.recipes.all(most=most), columns, empty=say("No recipes.", "Inga recept."))

    @recipe.command(help=say("Show a recipe.", "Visa ett recept."))
    def show(recipe_id: Recipe) -> None:
        with factory() as client:
            found = client.recipes.get(recipe_id)
        if terminal().json:
            print_json(found)
            return
        sheet(f"{found['name']} {found['number']}", found, leave_out=("name", "number", "operators"))
        for place, step in enumerate(found["operators"], start=1):
            terminal().out.print(
                f"  {place}. [bold]{escape(str(step['operator']))}[/]  {escape(text_of(step['params']))}"
            )

    @recipe.command(
        help=say(
            "Try a recipe on some files of a version, or on a text; nothing is kept.",
            "Pröva ett recept på några filer i en version, eller på en text; inget sparas.",
        )
    )
    def test(
        recipe_id: Recipe,
        version: Annotated[str | None, typer.Option(help=say("id of a version", "en versions id"))] = None,
        path: Annotated[list[str] | None, typer.Option(help=say("a file of it", "en fil i den"))] = None,
        sample: Annotated[int | None, typer.Option(min=1, max=20, help=say("so many files", "så många filer"))] = None,
        text: Annotated[str | None, typer.Option(help=say("a text instead", "en text i stället"))] = None,
    ) -> None:
        with factory() as client:
            files = client.recipes.test(recipe_id, version_id=version, paths=path, sample=sample, text=text)
        if terminal().json:
            print_json(files)
            return
        for file in files:
            terminal().out.print(f"[bold]{escape(str(file['path']))}[/]  {escape(_became(file))}")
            if isinstance(file.get("after"), str):
                terminal().out.print(f"[dim]{escape(file['after'])}[/]")

    @recipe.command(
        help=say("Say what to do with the columns of a table.", "Föreslå vad som görs med kolumnerna i en tabell.")
    )
    def suggest(version_id: Version, path: Annotated[str, typer.Argument(metavar="PATH")]) -> None:
        with factory() as client:
            found = client.recipes.suggest(version_id, path)
        if terminal().json:
            print_json(found)
            return
        columns = (("column", say("column", "kolumn")), ("role", say("role", "roll")), ("reason", say("why", "varför")))
        table(found.get("columns") or found.get("items") or [], columns, empty=say("No columns.", "Inga kolumner."))


def _became(file: Json) -> str:
    if file.get("withheld"):
        return say(f"withheld: {file['withheld']}", f"undanhålls: {file['withheld']}")
    counts = ", ".join(f"{kind} {n['treated']}/{n['found']}" for kind, n in (file.get("counts") or {}).items())
    return counts or say("nothing found", "inget hittat")


def _runs(run: typer.Typer) -> None:
    @run.command(
        help=say(
            "Run a recipe over a version and follow it to its end (--no-wait: come back later).",
            "Kör ett recept på en version och följ det till slutet (--no-wait: kom tillbaka senare).",
        )
    )
    def start(
        recipe_id: Recipe,
        version_id: Version,
        inspect: Annotated[bool, typer.Option("--inspect", help=say("only look", "titta bara"))] = False,
        wait: Annotated[bool, typer.Option("--wait/--no-wait")] = True,
    ) -> None:
        with factory() as client:
            made = client.runs.create(recipe_id, version_id, mode="inspect" if inspect else "treat")
            if wait:
                made = _follow(client, str(made["id"]))
        _tell(made)

    @run.command("list", help=say("List runs.", "Lista körningar."))
    def list_runs(
        version: Annotated[str | None, typer.Option(help=say("of this version", "av denna version"))] = None,
        dataset: Annotated[str | None, typer.Option(help=say("of this dataset", "av denna datamängd"))] = None,
    ) -> None:
        with factory() as client:
            found = client.runs.all(version_id=version, dataset_id=dataset)
        table(found, RUN_COLUMNS, empty=say("No runs.", "Inga körningar."))

    @run.command(help=say("Show a run and how far it has come.", "Visa en körning och hur långt den kommit."))
    def show(run_id: Run) -> None:
        with factory() as client:
            sheet(say("Run", "Körning"), client.runs.get(run_id))

    @run.command(help=say("Follow a run to its end.", "Följ en körning till slutet."))
    def follow(run_id: Run) -> None:
        with factory() as client:
            _tell(_follow(client, run_id))

    @run.command(help=say("Stop a run: nothing of it stays.", "Stoppa en körning: inget av den blir kvar."))
    def stop(run_id: Run) -> None:
        with factory() as client:
            done(say("Stopped.", "Stoppad."), client.runs.stop(run_id))


def _follow(client: Client, run_id: str) -> Json:
    """Wait for the run's end, with a bar of files and the time that the factory thinks is left."""
    quiet = terminal().json or not terminal().err.is_terminal
    with Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[left]}"),
        console=terminal().err, transient=True, disable=quiet,
    ) as progress:  # fmt: skip
        task = progress.add_task(say("treating", "behandlar"), total=None, left="")

        def show(run: Json) -> None:
            far: dict[str, Any] = run.get("progress") or {}
            left = far.get("seconds_left")
            told = "" if left is None else say(f"about {left:.0f} s left", f"cirka {left:.0f} s kvar")
            progress.update(task, completed=far.get("files_done") or 0, total=far.get("files_total") or None, left=told)

        return client.runs.wait(run_id, timeout_s=7 * 24 * 3600, on_progress=show)


def _tell(run: Json) -> None:
    state = str(run["state"])
    if state not in ENDED or state == "finished":
        text = f"run {run['id']}: {state}"
        if run.get("result_version_id"):
            text += f", version {run['result_version_id']}"
        done(text, run)
        return
    if terminal().json:
        print_json(run)
    else:
        terminal().err.print(f"[red]✗[/] run {run['id']}: {state} ({escape(text_of(run.get('reason')))})")
    raise typer.Exit(failures.FAILED)


def read_json(file: Path) -> dict[str, Any]:
    """Return the JSON object in `file`, or say what is wrong with it."""
    try:
        document: object = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise typer.BadParameter(f"{file}: {error}") from None
    if not isinstance(document, dict):
        raise typer.BadParameter(say(f"{file} is no JSON object", f"{file} är inget JSON-objekt"))
    return document  # pyright: ignore[reportUnknownVariableType]
