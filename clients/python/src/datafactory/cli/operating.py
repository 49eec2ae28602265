"""What operators do: events, partners, users, roles, keys for machines."""

import datetime
from typing import Annotated

import typer
from rich.markup import escape

from datafactory.cli.language import say
from datafactory.cli.output import done, factory, print_json, sheet, table, terminal
from datafactory.errors import Json
from datafactory.moments import instant

User = Annotated[str, typer.Argument(metavar="USER")]
Partner = Annotated[str, typer.Argument(metavar="PARTNER")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    _events(app)
    _operator(app)
    _keys(app)


def _events(app: typer.Typer) -> None:
    events = typer.Typer(no_args_is_help=True, help=say("Facts on the bus (operators).", "Händelser på bussen."))
    app.add_typer(events, name="events")

    @events.command(
        help=say("Follow events as they happen; Ctrl-C ends.", "Följ händelser när de sker; Ctrl-C avslutar.")
    )
    def tail(
        types: Annotated[list[str] | None, typer.Option("--type", help=say("may be repeated", "kan upprepas"))] = None,
        since: Annotated[
            str | None, typer.Option("--from", help=say("begin at this instant", "börja vid denna tid"))
        ] = None,
    ) -> None:
        import json

        with factory() as client:
            for event in client.events.tail(types or (), since):
                if terminal().json:
                    typer.echo(json.dumps(event, ensure_ascii=False))
                else:
                    _show(event)


def _show(event: Json) -> None:
    known = {"id", "type", "time", "subject", "source"}
    data = event.get("data") or {key: value for key, value in event.items() if key not in known}
    told = ", ".join(f"{key}={value}" for key, value in data.items()) if isinstance(data, dict) else str(data)
    time = escape(str(event.get("time") or ""))
    kind, subject = escape(str(event.get("type") or "")), escape(str(event.get("subject") or ""))
    terminal().out.print(f"[dim]{time}[/] [cyan]{kind}[/] {subject} [dim]{escape(told)}[/]")


def _operator(app: typer.Typer) -> None:
    operator = typer.Typer(no_args_is_help=True, help=say("For operators.", "För driftansvariga."))
    app.add_typer(operator, name="operator")

    @operator.command(
        help=say("Become the first operator with the one-time secret.", "Bli första driftansvariga med hemligheten.")
    )
    def redeem(
        secret: Annotated[str, typer.Option(prompt=True, hide_input=True, envvar="FACTORY_OPERATOR_SECRET")],
    ) -> None:
        with factory() as client:
            me = client.partners.redeem_operator_secret(secret)
        done(say("You are an operator.", "Du är driftansvarig."), me)

    @operator.command(help=say("List partners.", "Lista parter."))
    def partners() -> None:
        columns = (
            ("id", "id"),
            ("name", say("name", "namn")),
            ("sector", "sektor"),
            ("country", say("country", "land")),
        )
        with factory() as client:
            table(client.partners.all(), columns, empty=say("No partners.", "Inga parter."))

    @operator.command("add-partner", help=say("Add a partner.", "Lägg till en part."))
    def add_partner(
        name: str,
        sector: Annotated[str, typer.Option(help="public, academia, industry, nonprofit")],
        country: Annotated[str, typer.Option(help="ISO 3166-1")] = "SE",
    ) -> None:
        with factory() as client:
            made = client.partners.create(name, sector, country)
        done(say(f"Partner {made['id']}.", f"Part {made['id']}."), made)

    @operator.command(help=say("List users.", "Lista användare."))
    def users() -> None:
        columns = (("id", "id"), ("display_name", say("name", "namn")), ("partner", say("partner", "part")))
        with factory() as client:
            table(client.partners.users(), columns, empty=say("No users.", "Inga användare."))

    @operator.command(
        "add-member", help=say("Make a user one of a partner's people.", "Gör en användare till en parts.")
    )
    def add_member(partner_id: Partner, user_id: User) -> None:
        with factory() as client:
            done(say("Added.", "Tillagd."), client.partners.add_member(partner_id, user_id))

    @operator.command(help=say("List roles.", "Lista roller."))
    def roles() -> None:
        columns = (
            ("id", "id"),
            ("user_id", say("user", "användare")),
            ("role", say("role", "roll")),
            ("scope", say("of", "för")),
        )
        with factory() as client:
            table(client.partners.roles(), columns, empty=say("No roles.", "Inga roller."))

    @operator.command("assign", help=say("Give a user a role.", "Ge en användare en roll."))
    def assign(
        user_id: User,
        role: Annotated[str, typer.Argument(help="operator, finance, steward, partner-admin, donor, …")],
        scope: Annotated[
            str, typer.Option(help=say("kind:id, as partner:0190…", "slag:id, som partner:0190…"))
        ] = "global",
    ) -> None:
        kind, _, scope_id = scope.partition(":")
        with factory() as client:
            done(say("Assigned.", "Tilldelad."), client.partners.assign_role(user_id, role, kind, scope_id or None))

    @operator.command("unassign", help=say("Take a role back.", "Ta tillbaka en roll."))
    def unassign(assignment_id: Annotated[str, typer.Argument(metavar="ASSIGNMENT")]) -> None:
        with factory() as client:
            client.partners.revoke_role(assignment_id)
        done(say("Taken back.", "Återtagen."))

    @operator.command(
        "add-client", help=say("Make credentials for a partner's system.", "Skapa uppgifter för en parts system.")
    )
    def add_client(partner_id: Partner, name: str) -> None:
        with factory() as client:
            _once(client.partners.create_client(partner_id, name), "client_secret")


def _keys(app: typer.Typer) -> None:
    keys = typer.Typer(no_args_is_help=True, help=say("Your API keys.", "Dina API-nycklar."))
    app.add_typer(keys, name="keys")

    @keys.command("list", help=say("List your API keys.", "Lista dina API-nycklar."))
    def list_keys() -> None:
        columns = (
            ("id", "id"),
            ("name", say("name", "namn")),
            ("prefix", "prefix"),
            ("expires_at", say("ends", "slutar")),
        )
        with factory() as client:
            table(client.partners.api_keys(), columns, empty=say("No keys.", "Inga nycklar."))

    @keys.command(help=say("Make an API key; it is shown this once.", "Skapa en API-nyckel; den visas bara nu."))
    def create(name: str, days: Annotated[int, typer.Option(min=1, max=366)] = 90) -> None:
        ends = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=days)
        with factory() as client:
            _once(client.partners.create_api_key(name, instant(ends)), "key")

    @keys.command(help=say("End an API key.", "Avsluta en API-nyckel."))
    def revoke(key_id: Annotated[str, typer.Argument(metavar="KEY")]) -> None:
        with factory() as client:
            client.partners.revoke_api_key(key_id)
        done(say("Ended.", "Avslutad."))


def _once(made: Json, secret: str) -> None:
    if terminal().json:
        print_json(made)
        return
    sheet(say("Shown this once", "Visas bara nu"), {key: value for key, value in made.items() if key != secret})
    terminal().out.print(str(made[secret]), markup=False)
