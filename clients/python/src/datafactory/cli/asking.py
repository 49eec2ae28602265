"""Requests, agreements and grants."""

from typing import Annotated

import typer
from rich.markdown import Markdown

from datafactory.cli.finding import Project, Purpose
from datafactory.cli.language import say, told
from datafactory.cli.output import done, factory, print_json, sheet, table, terminal
from datafactory.moments import until as read_until

Request = Annotated[str, typer.Argument(metavar="REQUEST")]
Until = Annotated[
    str, typer.Option(help=say("YYYY-MM-DD (that day included) or an instant", "ÅÅÅÅ-MM-DD (den dagen medräknad)"))
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    request = typer.Typer(no_args_is_help=True, help=say("Requests for access.", "Ansökningar om tillgång."))
    app.add_typer(request, name="request")
    grants = typer.Typer(no_args_is_help=True, help=say("Grants.", "Tillstånd."))
    app.add_typer(grants, name="grants")
    agreements = typer.Typer(no_args_is_help=True, help=say("Agreements.", "Avtal."))
    app.add_typer(agreements, name="agreements")

    @request.command(help=say("Ask for access to a dataset.", "Ansök om tillgång till en datamängd."))
    def create(
        dataset_id: Annotated[str, typer.Argument(metavar="DATASET")],
        project: Project,
        purpose: Purpose,
        text: Annotated[str, typer.Option(help=say("what you will do, in your own words", "vad du ska göra"))],
        until: Until,
        action: Annotated[
            list[str] | None, typer.Option("--action", "-a", help=say("may be repeated", "kan upprepas"))
        ] = None,
    ) -> None:
        try:
            end = read_until(until)
        except ValueError as error:
            raise typer.BadParameter(str(error), param_hint="--until") from error
        with factory() as client:
            made = client.requests.create(
                project_id=project,
                dataset_id=dataset_id,
                actions=action or ["read"],
                purpose=purpose,
                purpose_text=text,
                until=end,
            )
        done(say(f"Request {made['id']} is with the steward.", f"Ansökan {made['id']} ligger hos granskaren."), made)

    @request.command("list", help=say("List requests.", "Lista ansökningar."))
    def list_requests() -> None:
        columns = (("id", "id"), ("dataset_title", say("dataset", "datamängd")), ("purpose", say("purpose", "ändamål")))
        with factory() as client:
            found = client.requests.all()
        table(found, (*columns, ("state", say("state", "läge"))), empty=say("No requests.", "Inga ansökningar."))

    @request.command(help=say("Show a request with its questions and answers.", "Visa en ansökan med frågor och svar."))
    def show(request_id: Request) -> None:
        with factory() as client:
            found = client.requests.get(request_id)
        sheet(say("Request", "Ansökan"), found, leave_out=("messages",))
        if not terminal().json:
            for message in found.get("messages") or []:
                terminal().out.print(f"[dim]{message['kind']}[/] ", end="")
                terminal().out.print(str(message["text"]), markup=False)

    @request.command(help=say("Ask the applicant something (stewards).", "Fråga sökanden något (granskare)."))
    def ask(request_id: Request, text: str) -> None:
        with factory() as client:
            done(say("Asked.", "Frågat."), client.requests.ask(request_id, text))

    @request.command(help=say("Answer the steward's question.", "Svara på granskarens fråga."))
    def answer(request_id: Request, text: str) -> None:
        with factory() as client:
            done(say("Answered.", "Besvarat."), client.requests.answer(request_id, text))

    @app.command(
        help=say("Read an agreement and sign it for your project.", "Läs ett avtal och underteckna det för projektet.")
    )
    def sign(
        agreement_id: Annotated[str, typer.Argument(metavar="AGREEMENT")],
        yes: Annotated[bool, typer.Option("--yes", help=say("I have read it", "jag har läst det"))] = False,
    ) -> None:
        with factory() as client:
            agreement = client.requests.agreement(agreement_id)
            if not yes:
                terminal().err.print(Markdown(told(agreement["text"])), soft_wrap=False)
                question = say("Do you accept this for the project?", "Godkänner du detta för projektet?")
                if not typer.confirm(question, err=True):
                    raise typer.Abort
            signed = client.requests.sign(agreement_id, str(agreement["digest"]))
        done(say("Signed. The grant is active.", "Undertecknat. Tillståndet gäller."), signed)

    @agreements.command("list", help=say("List agreements.", "Lista avtal."))
    def list_agreements() -> None:
        columns = (
            ("id", "id"),
            ("project_id", say("project", "projekt")),
            ("signed_at", say("signed", "undertecknat")),
        )
        with factory() as client:
            table(client.requests.agreements(), columns, empty=say("No agreements.", "Inga avtal."))

    @agreements.command("show", help=say("Read an agreement.", "Läs ett avtal."))
    def show_agreement(agreement_id: Annotated[str, typer.Argument(metavar="AGREEMENT")]) -> None:
        with factory() as client:
            agreement = client.requests.agreement(agreement_id)
        if terminal().json:
            print_json(agreement)
        else:
            terminal().out.print(Markdown(told(agreement["text"])), soft_wrap=False)

    @grants.command("list", help=say("List grants.", "Lista tillstånd."))
    def list_grants() -> None:
        columns = (
            ("id", "id"),
            ("project_id", say("project", "projekt")),
            ("dataset_id", say("dataset", "datamängd")),
            ("state", say("state", "läge")),
            ("until", say("until", "till")),
        )
        with factory() as client:
            table(client.requests.grants(), columns, empty=say("No grants.", "Inga tillstånd."))

    @grants.command("show", help=say("Show a grant.", "Visa ett tillstånd."))
    def show_grant(grant_id: Annotated[str, typer.Argument(metavar="GRANT")]) -> None:
        with factory() as client:
            sheet(say("Grant", "Tillstånd"), client.requests.grant(grant_id))

    @grants.command(
        help=say("Take a grant back: what runs under it stops.", "Återkalla ett tillstånd: det som pågår stoppas.")
    )
    def revoke(
        grant_id: Annotated[str, typer.Argument(metavar="GRANT")],
        reason: Annotated[str, typer.Option(help=say("why", "varför"))],
    ) -> None:
        with factory() as client:
            done(say("Revoked.", "Återkallat."), client.requests.revoke(grant_id, reason))
