"""What stewards do: check donations, release, publish, withdraw, decide requests, look into decisions."""

from typing import Annotated

import typer

from datafactory.cli.asking import Request
from datafactory.cli.language import say
from datafactory.cli.output import done, factory, sheet, table
from datafactory.errors import Json
from datafactory.moments import until as read_until

Donation = Annotated[str, typer.Argument(metavar="DONATION")]
Dataset = Annotated[str, typer.Argument(metavar="DATASET")]
Version = Annotated[str, typer.Argument(metavar="VERSION")]
Decision = Annotated[str, typer.Argument(metavar="DECISION")]
Reasons = Annotated[str, typer.Option(help=say("why, for the record", "varför, för protokollet"))]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    steward = typer.Typer(no_args_is_help=True, help=say("For data stewards.", "För datagranskare."))
    app.add_typer(steward, name="steward")
    decisions = typer.Typer(no_args_is_help=True, help=say("Recorded decisions.", "Antecknade beslut."))
    app.add_typer(decisions, name="decisions")

    @steward.command(
        help=say(
            "Show the checklist, or set points: --ok KEY, --not-ok 'KEY=why', or --all-ok.",
            "Visa checklistan, eller sätt punkter: --ok NYCKEL, --not-ok 'NYCKEL=varför', eller --all-ok.",
        )
    )
    def checklist(
        donation_id: Donation,
        ok: Annotated[list[str] | None, typer.Option()] = None,
        not_ok: Annotated[list[str] | None, typer.Option()] = None,
        all_ok: Annotated[bool, typer.Option("--all-ok")] = False,
        note: Annotated[
            str, typer.Option(help=say("note on what is in order", "anteckning om det som är i ordning"))
        ] = "",
    ) -> None:
        with factory() as client:
            items = _points(client.donations.get(donation_id))
            changes = {item["key"]: (True, note) for item in items} if all_ok else {}
            changes |= {key: (True, note) for key in ok or []}
            for text in not_ok or []:
                key, _, why = text.partition("=")
                changes[key] = (False, why)
            if changes:
                client.donations.checklist(donation_id, changes)
                items = _points(client.donations.get(donation_id))
        columns = (
            ("key", say("point", "punkt")),
            ("text", say("what is checked", "vad som kontrolleras")),
            ("ok", "ok"),
            ("note", say("note", "anteckning")),
        )
        table(items, columns, empty=say("No checklist.", "Ingen checklista."))

    @steward.command(help=say("Accept a donation: it becomes version 1.", "Godta en donation: den blir version 1."))
    def accept(donation_id: Donation, reasons: Reasons) -> None:
        with factory() as client:
            made = client.donations.accept(donation_id, reasons)
        text = f"dataset {made['dataset_id']}, version {made['version_id']}"
        done(say(f"Accepted: {text}.", f"Godtagen: {text}."), made)

    @steward.command(help=say("Reject a donation.", "Avvisa en donation."))
    def reject(donation_id: Donation, reasons: Reasons) -> None:
        with factory() as client:
            done(say("Rejected.", "Avvisad."), client.donations.reject(donation_id, reasons))

    @steward.command(
        help=say("Release a version (not the one who accepted it).", "Frisläpp en version (inte den som godtog).")
    )
    def release(version_id: Version, reasons: Reasons) -> None:
        with factory() as client:
            done(say("Released.", "Frisläppt."), client.datasets.release(version_id, reasons))

    @steward.command(help=say("Publish a dataset in the catalogue.", "Publicera en datamängd i katalogen."))
    def publish(dataset_id: Dataset) -> None:
        with factory() as client:
            done(say("Published.", "Publicerad."), client.datasets.publish(dataset_id))

    @steward.command(
        help=say(
            "Withdraw a dataset: grants end and its keys are destroyed. This cannot be undone.",
            "Dra tillbaka en datamängd: tillstånd upphör och nycklar förstörs. Det går inte att ångra.",
        )
    )
    def withdraw(
        dataset_id: Dataset,
        reason: Annotated[str, typer.Option(help=say("why", "varför"))],
        yes: Annotated[bool, typer.Option("--yes", help=say("do not ask", "fråga inte"))] = False,
    ) -> None:
        with factory() as client:
            if not yes:
                title = client.datasets.get(dataset_id)["title"]
                question = say(
                    f"Destroy the keys of “{title}” for good?", f"Förstöra nycklarna till ”{title}” för gott?"
                )
                if not typer.confirm(question, err=True):
                    raise typer.Abort
            done(say("Withdrawn.", "Tillbakadragen."), client.datasets.withdraw(dataset_id, reason))

    @steward.command(help=say("Decide a request.", "Besluta om en ansökan."))
    def decide(
        request_id: Request,
        reasons: Reasons,
        approve: Annotated[bool, typer.Option("--approve/--refuse")],
        until: Annotated[str | None, typer.Option(help=say("end earlier than asked", "sluta tidigare än sökt"))] = None,
    ) -> None:
        end = read_until(until) if until else None
        with factory() as client:
            made = client.requests.decide(request_id, approve=approve, reasons=reasons, until=end)
        text = (
            say("Approved; waiting for the signature.", "Beviljad; väntar på underskrift.")
            if approve
            else say("Refused.", "Avslagen.")
        )
        done(text, made)

    @decisions.command("list", help=say("List decisions you may see.", "Lista beslut du får se."))
    def list_decisions(most: Annotated[int, typer.Option("--limit", "-n", min=1)] = 50) -> None:
        columns = (
            ("id", "id"),
            ("permit", say("yes", "ja")),
            ("action", say("action", "åtgärd")),
            ("purpose", say("purpose", "ändamål")),
            ("codes", say("codes", "koder")),
            ("created_at", say("when", "när")),
        )
        with factory() as client:
            table(client.decisions.all(most=most), columns, empty=say("No decisions.", "Inga beslut."))

    @decisions.command(help=say("Show a decision with its whole input.", "Visa ett beslut med hela underlaget."))
    def show(decision_id: Decision) -> None:
        with factory() as client:
            sheet(say("Decision", "Beslut"), client.decisions.get(decision_id))

    @decisions.command(
        help=say("Decide again from the record, and compare.", "Besluta igen från underlaget, och jämför.")
    )
    def replay(decision_id: Decision) -> None:
        with factory() as client:
            sheet(say("Replay", "Omprövning"), client.decisions.replay(decision_id))


def _points(donation: Json) -> list[Json]:
    return list(donation["checklist"])
