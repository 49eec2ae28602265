"""Pure rules of admission: what a request may ask, what state a grant is in, what the agreement says."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from zoneinfo import ZoneInfo

STOCKHOLM = ZoneInfo("Europe/Stockholm")
COMMERCIAL_PURPOSE = "innovation/product-development"

GrantState = Literal["inert", "active", "expired", "revoked"]


def covers(permitted: str, purpose: str) -> bool:
    """Whether a permitted purpose permits `purpose`: itself and its children in the tree."""
    return purpose == permitted or purpose.startswith(permitted + "/")


def refusal_of_request(normal: Mapping[str, Any], actions: Sequence[str], purpose: str) -> list[tuple[str, str]]:
    """Return (pointer, code) for each part of a request that its terms can never permit.

    What no steward could grant is told at once, not after days of waiting.
    """
    problems = [
        (f"/actions/{index}", "action-never-permitted")
        for index, action in enumerate(actions)
        if action not in normal["actions"]
    ]
    purposes = normal["purposes"]
    permitted = purposes["any"] or any(covers(p, purpose) for p in purposes["list"])
    if not permitted or (not normal["commercial"] and covers(COMMERCIAL_PURPOSE, purpose)):
        problems.append(("/purpose", "purpose-never-permitted"))
    return problems


def grant_state(*, until: datetime, revoked: bool, signed: bool, now: datetime) -> GrantState:
    """Return the state of a grant; it holds while now < until."""
    if revoked:
        return "revoked"
    if now >= until:
        return "expired"
    return "active" if signed else "inert"


@dataclass(frozen=True)
class AgreementFacts:
    """What an agreement is made of."""

    project_name: str
    project_partners: Sequence[str]
    donor_name: str
    dataset_title: str
    dataset_id: str
    actions: Sequence[str]
    purpose: str
    purpose_text: str
    until: datetime
    summary: Mapping[str, Sequence[str]]
    """The terms in plain words, by language."""


_ACTIONS = {
    "read": {"sv": "läsa och ladda ned", "en": "read and download"},
    "prepare": {"sv": "bereda", "en": "prepare"},
    "annotate": {"sv": "annotera", "en": "annotate"},
    "train": {"sv": "träna modeller", "en": "train models"},
    "deploy": {"sv": "driftsätta modeller", "en": "deploy models"},
    "share-derivative": {"sv": "dela det som härletts", "en": "share what is derived"},
}


def agreement_text(facts: AgreementFacts) -> dict[str, str]:
    """Return the agreement in Swedish and English, as Markdown, made of the project and the terms."""
    day = facts.until.astimezone(STOCKHOLM).strftime("%Y-%m-%d %H:%M")
    sv_actions = ", ".join(_ACTIONS[a]["sv"] for a in facts.actions)
    en_actions = ", ".join(_ACTIONS[a]["en"] for a in facts.actions)
    partners = ", ".join(facts.project_partners)
    sv = [
        "# Avtal om användning av donerade data",
        f"**Givare:** {facts.donor_name}",
        f"**Mottagare:** projektet {facts.project_name} ({partners})",
        f"**Data:** {facts.dataset_title} ({facts.dataset_id})",
        "## Vad projektet får göra",
        f"Projektet får {sv_actions}, för ändamålet {facts.purpose}, till och med {day} (svensk tid).",
        f"Projektets egen beskrivning av ändamålet: {facts.purpose_text}",
        "## Givarens villkor",
        *(f"- {line}" for line in facts.summary["sv"]),
        "## Vad projektet åtar sig",
        "- Bara projektets medlemmar använder data, och bara för ändamålet ovan.",
        "- Ingen försöker ta reda på vilka personer som kan finnas i data.",
        "- Misstänkta incidenter anmäls till fabriken genast, så att den personuppgiftsansvarige kan anmäla dem "
        "inom 72 timmar (dataskyddsförordningen artikel 33).",
        "- När rätten upphör eller återkallas stoppas allt arbete, och kopior raderas enligt villkoren.",
    ]
    en = [
        "# Agreement on the use of donated data",
        f"**Donor:** {facts.donor_name}",
        f"**Recipient:** the project {facts.project_name} ({partners})",
        f"**Data:** {facts.dataset_title} ({facts.dataset_id})",
        "## What the project may do",
        f"The project may {en_actions}, for the purpose {facts.purpose}, until {day} (Swedish time).",
        f"The project's own description of the purpose: {facts.purpose_text}",
        "## The donor's terms",
        *(f"- {line}" for line in facts.summary["en"]),
        "## What the project undertakes",
        "- Only the project's members use the data, and only for the purpose above.",
        "- Nobody tries to find out which persons may be in the data.",
        "- Suspected incidents are reported to the factory at once, so that the controller can notify within 72 hours "
        "(GDPR Article 33).",
        "- When the right ends or is revoked, all work stops, and copies are deleted as the terms say.",
    ]
    return {"sv": "\n\n".join(sv) + "\n", "en": "\n\n".join(en) + "\n"}


def agreement_digest(text: Mapping[str, str]) -> str:
    """Return the SHA-256 (hex) over both languages, which is what is signed."""
    return hashlib.sha256((text["sv"] + "\0" + text["en"]).encode()).hexdigest()
