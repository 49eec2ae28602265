"""Projects: opening, changing, people."""

import datetime
from typing import Annotated

import typer

from datafactory.cli.language import say
from datafactory.cli.output import done, factory, sheet, table

Project = Annotated[str, typer.Argument(metavar="PROJECT")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    projects = typer.Typer(no_args_is_help=True, help=say("Projects.", "Projekt."))
    app.add_typer(projects, name="projects")

    @projects.command("list", help=say("List your projects.", "Lista dina projekt."))
    def list_projects() -> None:
        columns = (
            ("id", "id"),
            ("name", say("name", "namn")),
            ("purpose", say("purpose", "ändamål")),
            ("ends_on", say("ends", "slutar")),
        )
        with factory() as client:
            table(client.projects.all(), columns, empty=say("No projects.", "Inga projekt."))

    @projects.command(help=say("Show a project.", "Visa ett projekt."))
    def show(project_id: Project) -> None:
        with factory() as client:
            found = client.projects.get(project_id)
        sheet(str(found["name"]), found, leave_out=("name",))

    @projects.command(help=say("Open a project; you become its lead.", "Öppna ett projekt; du blir ledare."))
    def create(
        name: str,
        purpose: Annotated[
            str, typer.Option(help=say("for example research/applied", "till exempel research/applied"))
        ],
        description: Annotated[str, typer.Option(help=say("what it is about", "vad det handlar om"))] = "",
        partner: Annotated[
            list[str] | None, typer.Option(help=say("partner ids; your own if none", "partners id"))
        ] = None,
        collaborative: Annotated[
            bool, typer.Option(help=say("several partners work together", "flera parter samverkar"))
        ] = False,
        starts_on: Annotated[str | None, typer.Option(help="YYYY-MM-DD")] = None,
        ends_on: Annotated[str | None, typer.Option(help="YYYY-MM-DD")] = None,
        budget_sek: Annotated[str, typer.Option(help="0.00")] = "0.00",
        ethics_number: Annotated[str | None, typer.Option(help=say("ethics approval", "etikgodkännande"))] = None,
        ethics_until: Annotated[str | None, typer.Option(help="YYYY-MM-DD")] = None,
    ) -> None:
        today = datetime.datetime.now(datetime.UTC).date()
        with factory() as client:
            partners = partner or []
            if not partners:
                own = client.partners.me()["partner"]
                partners = [str(own["id"])] if own else []
            approval = {"number": ethics_number, "valid_until": ethics_until} if ethics_number else None
            made = client.projects.create(
                {
                    "name": name,
                    "purpose": purpose,
                    "description": description or name,
                    "partner_ids": partners,
                    "collaborative": collaborative,
                    "starts_on": starts_on or today.isoformat(),
                    "ends_on": ends_on or (today + datetime.timedelta(days=365)).isoformat(),
                    "budget_sek": budget_sek,
                    "ethics_approval": approval,
                }
            )
        done(say(f"Project {made['id']} is open.", f"Projekt {made['id']} är öppet."), made)

    @projects.command(
        help=say("Change a project's purpose; it is recorded.", "Ändra ett projekts ändamål; det antecknas.")
    )
    def purpose(project_id: Project, purpose: str) -> None:
        with factory() as client:
            changed = client.projects.update(project_id, {"purpose": purpose})
        done(say(f"The purpose is {purpose}.", f"Ändamålet är {purpose}."), changed)

    @projects.command(help=say("Show what was changed in a project.", "Visa vad som ändrats i ett projekt."))
    def changes(project_id: Project) -> None:
        columns = (
            ("at", say("when", "när")),
            ("field", say("what", "vad")),
            ("old", say("from", "från")),
            ("new", say("to", "till")),
        )
        with factory() as client:
            table(client.projects.changes(project_id), columns, empty=say("Nothing changed.", "Inget har ändrats."))

    @projects.command(help=say("Add someone of the project's partners.", "Lägg till någon hos projektets parter."))
    def add(
        project_id: Project,
        user_id: Annotated[str, typer.Argument(metavar="USER")],
        role: Annotated[str, typer.Option(help="lead, member")] = "member",
    ) -> None:
        with factory() as client:
            done(say("Added.", "Tillagd."), client.projects.add_member(project_id, user_id, role))

    @projects.command(
        help=say("Remove a member; what they have running stops.", "Ta bort en medlem; det som pågår stoppas.")
    )
    def remove(project_id: Project, user_id: Annotated[str, typer.Argument(metavar="USER")]) -> None:
        with factory() as client:
            client.projects.remove_member(project_id, user_id)
        done(say("Removed.", "Borttagen."))

    @projects.command(help=say("Close a project.", "Avsluta ett projekt."))
    def close(project_id: Project) -> None:
        with factory() as client:
            done(say("Closed.", "Avslutat."), client.projects.close(project_id))
