"""Finding datasets, and asking what the law says."""

from dataclasses import replace
from typing import Annotated

import typer
from rich.markup import escape
from rich.panel import Panel

from datafactory.cli import failures
from datafactory.cli.language import say
from datafactory.cli.output import factory, print_json, sheet, table, terminal
from datafactory.decisions import Ask, Decision
from datafactory.errors import Cure

Action = Annotated[str, typer.Option("--action", "-a", help="read, prepare, annotate, train, deploy, share-derivative")]
Purpose = Annotated[
    str, typer.Option("--purpose", help=say("for example research/applied", "till exempel research/applied"))
]
Project = Annotated[str, typer.Option("--project", "-p", help=say("id of the project", "projektets id"))]

DATASET_COLUMNS = (
    ("id", "id"),
    ("title", say("title", "titel")),
    ("integrity_class", say("class", "klass")),
    ("state", say("state", "läge")),
)


def register(app: typer.Typer) -> None:
    """Add the commands."""

    @app.command(help=say("Search the catalogue.", "Sök i katalogen."))
    def search(
        text: Annotated[list[str] | None, typer.Argument(help=say("words", "ord"))] = None,
        integrity_class: Annotated[
            str | None, typer.Option("--class", help="open, internal, confidential, restricted")
        ] = None,
        purpose: Annotated[str | None, typer.Option(help=say("permitted purpose", "tillåtet ändamål"))] = None,
        action: Annotated[str | None, typer.Option(help=say("permitted action", "tillåten åtgärd"))] = None,
        language: Annotated[str | None, typer.Option(help=say("of the dataset, as sv", "datamängdens, som sv"))] = None,
        media_type: Annotated[str | None, typer.Option(help=say("as image/png", "som image/png"))] = None,
        most: Annotated[int, typer.Option("--limit", "-n", min=1, max=1000)] = 50,
    ) -> None:
        with factory() as client:
            found = client.datasets.find(
                " ".join(text or []) or None,
                most=most,
                integrity_class=integrity_class,
                purpose=purpose,
                action=action,
                language=language,
                media_type=media_type,
            )
        table(found, DATASET_COLUMNS, empty=say("Nothing found.", "Inget hittades."))

    @app.command(help=say("Show a dataset and its versions.", "Visa en datamängd och dess versioner."))
    def dataset(dataset_id: Annotated[str, typer.Argument(metavar="DATASET")]) -> None:
        with factory() as client:
            found = client.datasets.get(dataset_id)
            versions = client.datasets.versions(dataset_id)
        if terminal().json:
            print_json({**found, "versions": versions})
            return
        sheet(str(found["title"]), found, leave_out=("title", "terms"))
        columns = (("id", "id"), ("number", "nr"), ("state", say("state", "läge")), ("files", say("files", "filer")))
        table(versions, (*columns, ("bytes", "byte")), empty=say("No versions.", "Inga versioner."))

    @app.command(help=say("List the files of a version.", "Lista filerna i en version."))
    def files(
        version_id: Annotated[str, typer.Argument(metavar="VERSION")],
        project: Annotated[str | None, typer.Option("--project", "-p")] = None,
        purpose: Annotated[str | None, typer.Option("--purpose")] = None,
    ) -> None:
        with factory() as client:
            permit = None
            if project and purpose:
                permit = client.decisions.evaluate(Ask(version_id, project, "read", purpose)).require().permit_token
            found = list(client.datasets.files(version_id, permit))
        columns = (("path", say("path", "sökväg")), ("size", "byte"), ("sha256", "sha256"))
        table(found, columns, empty=say("No files.", "Inga filer."))

    @app.command(help=say("Show where a version comes from.", "Visa var en version kommer ifrån."))
    def lineage(version_id: Annotated[str, typer.Argument(metavar="VERSION")]) -> None:
        with factory() as client:
            found = client.datasets.lineage(version_id)
        sheet(say("Lineage", "Härkomst"), found)

    @app.command(
        help=say(
            "Ask the law: may I? With reasons, and the commands that lead to a yes. Exits 5 on a no.",
            "Fråga lagen: får jag? Med skäl, och kommandona som leder till ett ja. Slutar med 5 vid nej.",
        )
    )
    def explain(
        version_id: Annotated[str, typer.Argument(metavar="VERSION")],
        project: Project,
        purpose: Purpose,
        action: Action = "read",
    ) -> None:
        with factory() as client:
            decision = client.decisions.evaluate(Ask(version_id, project, action, purpose))
        if terminal().json:
            print_json({key: value for key, value in decision.raw.items() if key != "permit_token"})
        else:
            _show(decision)
        if not decision.permit:
            raise typer.Exit(failures.DENIED)


IN_ORDER = ("purpose-not-permitted", "course-not-valid", "grant-absent", "grant-expired", "agreement-unsigned")
"""The order in which the ways to a yes are gone: a request is for a purpose, an agreement belongs to a grant."""


def _show(decision: Decision) -> None:
    lines: list[str] = []
    permitted = [cure.ids["permitted_purposes"] for code in decision.codes for cure in code.cures if _offers(cure)]
    # Whoever may not ask for this purpose is told the request for one that the terms permit.
    instead = {"purpose": str(permitted[0][0])} if permitted else {}
    for code in sorted(decision.codes, key=lambda c: IN_ORDER.index(c.code) if c.code in IN_ORDER else -1):
        lines.append(f"[bold]{escape(code.code)}[/]  {escape(code.message)}")
        lines += failures.cure_lines([replace(cure, ids={**cure.ids, **instead}) for cure in code.cures])
    for duty in decision.obligations:
        lines.append(f"• {escape(str(duty.get('text') or duty.get('kind')))}")
    title = say("The law says yes", "Lagen säger ja") if decision.permit else say("The law says no", "Lagen säger nej")
    style = "green" if decision.permit else "red"
    foot = escape(f"{say('decision', 'beslut')} {decision.id}")
    panel = Panel(
        "\n".join(lines) or "✓", title=title, subtitle=foot, border_style=style, title_align="left", expand=False
    )
    terminal().out.print(panel, soft_wrap=False)


def _offers(cure: Cure) -> bool:
    return bool(cure.ids.get("permitted_purposes"))
