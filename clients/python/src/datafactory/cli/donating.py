"""Donating a folder, with progress; run again after an interruption, it goes on where it was."""

import hashlib
import json
from pathlib import Path
from typing import Annotated, Any

import typer

from datafactory.bundles import scan
from datafactory.cli.language import current, say
from datafactory.cli.output import bars, done, factory, note, sheet, table
from datafactory.client import Client
from datafactory.errors import Json, Refused
from datafactory.paths import state_home, write_private

COLUMNS = (("id", "id"), ("title", say("title", "titel")), ("state", say("state", "läge")))


def register(app: typer.Typer) -> None:
    """Add the commands."""

    @app.command(
        help=say(
            "Donate a folder under terms. Interrupted? Run the same command again.",
            "Donera en mapp under villkor. Avbrutet? Kör samma kommando igen.",
        )
    )
    def donate(
        folder: Annotated[Path, typer.Argument(exists=True, file_okay=False)],
        terms: Annotated[str, typer.Option(help=say("id of the terms (factory terms list)", "villkorens id"))],
        title: Annotated[str, typer.Option(help=say("what to call the dataset", "datamängdens namn"))],
        description: Annotated[str, typer.Option(help=say("what it is", "vad det är"))],
        controller: Annotated[str, typer.Option(help=say("who is responsible for the data", "personuppgiftsansvarig"))],
        origin: Annotated[str, typer.Option(help=say("where the data comes from", "var data kommer ifrån"))],
        personal_data: Annotated[str, typer.Option(help="yes, no, unknown")] = "unknown",
        integrity_class: Annotated[
            str, typer.Option("--class", help="open, internal, confidential, restricted")
        ] = "internal",
        legal_basis: Annotated[
            list[str] | None,
            typer.Option(
                help=say(
                    "PURPOSE=6(1)(x) or PURPOSE=6(1)(x)+9(2)(y), GDPR; may be repeated",
                    "ÄNDAMÅL=6(1)(x) eller ÄNDAMÅL=6(1)(x)+9(2)(y), GDPR; kan upprepas",
                )
            ),
        ] = None,
        third_party_rights: Annotated[str, typer.Option(help=say("rights of others", "andras rättigheter"))] = "none",
        retention_until: Annotated[str | None, typer.Option(help="YYYY-MM-DD")] = None,
        secrecy: Annotated[
            str | None, typer.Option(help=say("provision of secrecy (OSL)", "sekretessbestämmelse (OSL)"))
        ] = None,
        partner: Annotated[
            str | None, typer.Option(help=say("partner, if not your own", "partner, om inte din egen"))
        ] = None,
        submit: Annotated[
            bool, typer.Option("--submit/--draft", help=say("hand it to the steward", "lämna till granskaren"))
        ] = True,
        parallel: Annotated[int, typer.Option(min=1, max=16)] = 4,
    ) -> None:
        found = scan(folder)
        size = sum(file.size for file in found)
        with factory() as client:
            described: Json = {
                "title": title,
                "description": description,
                "language": current(),
                "controller": controller,
                "legal_bases": [_basis(text) for text in legal_basis or []],
                "origin": origin,
                "third_party_rights": third_party_rights,
                "personal_data": personal_data,
                "retention_until": retention_until,
                "secrecy": {"marked": secrecy is not None, "provision": secrecy},
                "integrity_class": integrity_class,
                "terms_id": terms,
                "partner_id": partner or _own_partner(client),
            }
            begun = _Begun(client.transport.base_url, folder, described)
            donation_id = begun.id_of_draft(client)
            if donation_id:
                note(say(f"Going on with donation {donation_id}.", f"Fortsätter med donation {donation_id}."))
            else:
                donation_id = str(client.donations.create(described)["id"])
                begun.keep(donation_id)
            with bars(size, say("sending", "skickar")) as on_progress:
                client.uploads.send_files(donation_id, found, parallel=parallel, on_progress=on_progress)
            with bars(size, say("checking and encrypting", "kontrollerar och krypterar")) as on_progress:
                client.uploads.wait_stored(donation_id, on_progress=on_progress)
            donation = client.donations.submit(donation_id) if submit else client.donations.get(donation_id)
            begun.path.unlink(missing_ok=True)
        state = donation["state"]
        text = say(
            f"{len(found)} files, {size:,} bytes; donation {donation_id} is {state}.",
            f"{len(found)} filer, {size:,} byte; donation {donation_id} är {state}.",
        )
        done(text, donation)

    donations = typer.Typer(no_args_is_help=True, help=say("Donations.", "Donationer."))
    app.add_typer(donations, name="donations")

    @donations.command("list", help=say("List donations.", "Lista donationer."))
    def list_donations() -> None:
        with factory() as client:
            table(client.donations.all(), COLUMNS, empty=say("No donations.", "Inga donationer."))

    @donations.command(help=say("Show a donation.", "Visa en donation."))
    def show(donation_id: Annotated[str, typer.Argument(metavar="DONATION")]) -> None:
        with factory() as client:
            donation = client.donations.get(donation_id)
        sheet(str(donation["title"]), donation, leave_out=("title",))

    @donations.command(help=say("Submit a draft.", "Lämna in ett utkast."))
    def submit(donation_id: Annotated[str, typer.Argument(metavar="DONATION")]) -> None:
        with factory() as client:
            donation = client.donations.submit(donation_id)
        done(say("Submitted.", "Inlämnad."), donation)

    @donations.command(
        help=say("Show the receipt: the digest of every file.", "Visa kvittot: varje fils kontrollsumma.")
    )
    def receipt(donation_id: Annotated[str, typer.Argument(metavar="DONATION")]) -> None:
        with factory() as client:
            found = client.donations.receipt(donation_id)
        columns = (("path", say("path", "sökväg")), ("size", "byte"), ("sha256", "sha256"))
        table(found["files"], columns, empty=say("No files.", "Inga filer."))


def _basis(text: str) -> Json:
    purpose, equals, articles = text.partition("=")
    if not equals:
        raise typer.BadParameter(say("write PURPOSE=6(1)(x)", "skriv ÄNDAMÅL=6(1)(x)"), param_hint="--legal-basis")
    article6, _, article9 = articles.partition("+")
    return {"purpose": purpose, "article6": article6, "article9": article9 or None}


def _own_partner(client: Client) -> str:
    partner: Json | None = client.partners.me()["partner"]
    if partner is None:
        raise typer.BadParameter(say("you belong to no partner", "du hör till ingen partner"), param_hint="--partner")
    return str(partner["id"])


class _Begun:
    """Which draft a folder with this description goes to, kept until it is sent."""

    def __init__(self, base_url: str, folder: Path, described: Json) -> None:
        what = json.dumps([base_url, str(folder.resolve()), described], sort_keys=True)
        self.path = state_home() / "donations" / f"{hashlib.sha256(what.encode()).hexdigest()[:32]}.json"

    def id_of_draft(self, client: Client) -> str | None:
        """Return the donation that was begun, if it still is a draft."""
        try:
            document: Any = json.loads(self.path.read_text(encoding="utf-8"))
            donation = client.donations.get(str(document["donation_id"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None
        except Refused as refused:
            if refused.status == 404:
                return None
            raise
        return str(donation["id"]) if donation["state"] == "draft" else None

    def keep(self, donation_id: str) -> None:
        """Remember the draft."""
        write_private(self.path, json.dumps({"donation_id": donation_id}))
