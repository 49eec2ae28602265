"""Terms: showing them in plain words, and making them from an ODRL file."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from datafactory.cli.language import say, told
from datafactory.cli.output import done, factory, print_json, table, terminal


def register(app: typer.Typer) -> None:
    """Add the commands."""
    terms = typer.Typer(no_args_is_help=True, help=say("Terms of donations.", "Villkor för donationer."))
    app.add_typer(terms, name="terms")

    @terms.command("list", help=say("List terms.", "Lista villkor."))
    def list_terms() -> None:
        columns = (("id", "id"), ("number", "nr"), ("summary", say("in short", "i korthet")))
        with factory() as client:
            found = client.terms.all()
        table(found, columns, empty=say("No terms.", "Inga villkor."))

    @terms.command(help=say("Read terms in plain words.", "Läs villkor i klartext."))
    def show(
        terms_id: Annotated[str, typer.Argument(metavar="TERMS")],
        odrl: Annotated[
            bool, typer.Option("--odrl", help=say("the ODRL policy itself", "själva ODRL-policyn"))
        ] = False,
    ) -> None:
        with factory() as client:
            found = client.terms.get(terms_id)
        if terminal().json or odrl:
            print_json(found["odrl"] if odrl else found)
            return
        terminal().out.print(f"[bold]{say('Terms', 'Villkor')} {found['number']}[/] [dim]{escape(str(found['id']))}[/]")
        terminal().out.print(escape(told(found["summary"])))

    @terms.command(
        help=say("Make terms from an ODRL 2.2 policy (JSON-LD).", "Skapa villkor av en ODRL 2.2-policy (JSON-LD).")
    )
    def create(file: Annotated[Path, typer.Argument(exists=True, dir_okay=False)]) -> None:
        policy = json.loads(file.read_text(encoding="utf-8"))
        with factory() as client:
            made = client.terms.create(policy)
        done(say(f"Terms {made['id']}.", f"Villkor {made['id']}."), made)
