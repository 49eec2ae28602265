"""Puts the commands together, and reads the options that may stand anywhere."""

import os
from collections.abc import Sequence

import typer

from datafactory.cli import failures
from datafactory.cli.language import language_of, say, set_language
from datafactory.cli.output import Terminal, set_terminal

WITH_VALUE = {"--url", "--as", "--lang"}
ALONE = {"--json"}


def hoist(arguments: Sequence[str]) -> tuple[dict[str, str], list[str]]:
    """Take the options that may stand anywhere (`--json --url --as --lang`) out of `arguments`; return both parts."""
    found: dict[str, str] = {}
    rest: list[str] = []
    position = 0
    while position < len(arguments):
        argument = arguments[position]
        name, equals, value = argument.partition("=")
        if argument == "--":
            rest.extend(arguments[position:])
            break
        if argument in ALONE:
            found[argument] = "yes"
        elif name in WITH_VALUE and equals:
            found[name] = value
        elif argument in WITH_VALUE and position + 1 < len(arguments):
            position += 1
            found[argument] = arguments[position]
        else:
            rest.append(argument)
        position += 1
    return found, rest


def make_app() -> typer.Typer:
    """Return the command line in the language spoken now."""
    # Imported here: help texts are fixed at import, and the language is known only now.
    from datafactory.cli import (
        annotating,
        asking,
        donating,
        downloading,
        finding,
        gating,
        learning,
        operating,
        preparing,
        projecting,
        signing_in,
        stewarding,
        terms,
    )

    everywhere = say(
        "Everywhere: --json (for programs) · --as NAME (a persona of a laptop's provider) · --url URL · --lang en|sv",
        "Överallt: --json (för program) · --as NAMN (en persona på en laptop) · --url URL · --lang en|sv",
    )
    app = typer.Typer(
        name="factory",
        no_args_is_help=True,
        rich_markup_mode="rich",
        pretty_exceptions_enable=False,
        add_completion=False,
        help=say("A Data Factory from the command line.", "En datafabrik från kommandoraden.") + f"\n\n{everywhere}",
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    parts = (
        signing_in, finding, donating, downloading, learning, asking, projecting, terms, stewarding, preparing, gating,
        annotating, operating,
    )  # fmt: skip
    for part in parts:
        part.register(app)
    return app


def run(arguments: Sequence[str]) -> int:
    """Run one command; return its exit status. Failures that are expected are told, not raised."""
    language = language_of(arguments, os.environ)
    set_language(language)
    options, rest = hoist(arguments)
    set_terminal(Terminal(json="--json" in options, url=options.get("--url"), name=options.get("--as")))
    app = make_app()
    try:
        app(args=rest, prog_name="factory")
    except SystemExit as finished:
        return finished.code if isinstance(finished.code, int) else failures.FAILED
    except BrokenPipeError:
        # Whoever read our output (`| head`) has had enough.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    except failures.EXPECTED as error:
        return failures.tell(error)
    return failures.OK
