"""Signing in and out, tokens, and who one is."""

import httpx
import typer

from datafactory.cli import keyring
from datafactory.cli.language import say
from datafactory.cli.output import done, factory, note, print_json, sheet, terminal
from datafactory.signin import sign_in_as, sign_in_with_browser


def register(app: typer.Typer) -> None:
    """Add the commands."""

    @app.command(
        help=say("Sign in with the browser, or --as NAME on a laptop.", "Logga in i webbläsaren, eller --as NAMN.")
    )
    def login() -> None:
        base_url = keyring.base_url_of(terminal().url)
        name = terminal().name
        if name:
            session = sign_in_as(base_url, name)
        else:
            note(say("Your browser opens; sign in there.", "Din webbläsare öppnas; logga in där."))
            session = sign_in_with_browser(base_url, open_browser=_open)
        path = keyring.keep(base_url, name or keyring.MYSELF, session)
        who = name or say("you", "du")
        done(
            say(f"Signed in at {base_url} as {who}.", f"Inloggad på {base_url} som {who}."),
            {"base_url": base_url, "name": name or keyring.MYSELF, "kept_in": str(path)},
        )

    @app.command(help=say("Forget the session on this computer.", "Glöm sessionen på den här datorn."))
    def logout() -> None:
        base_url = keyring.base_url_of(terminal().url)
        had = keyring.drop(base_url, terminal().name)
        done(say("Signed out.", "Utloggad.") if had else say("You were not signed in.", "Du var inte inloggad."))

    @app.command(
        help=say("Print a bearer token (five minutes), and nothing else.", "Skriv ut en bärartoken (fem minuter).")
    )
    def token() -> None:
        base_url = keyring.base_url_of(terminal().url)
        credentials = keyring.credentials_for(base_url, terminal().name)
        with httpx.Client(base_url=base_url, timeout=20.0) as http:
            value = credentials.bearer(http)
        if terminal().json:
            print_json({"access_token": value})
        else:
            typer.echo(value)

    @app.command(help=say("Show who you are to the factory.", "Visa vem du är för fabriken."))
    def whoami() -> None:
        with factory() as client:
            me = client.partners.me()
        sheet(str(me["display_name"]), me)


def _open(url: str) -> None:
    """Open the browser; where there is none, say what to open."""
    import webbrowser

    if not webbrowser.open(url):
        note(say(f"Open this address: {url}", f"Öppna den här adressen: {url}"))
