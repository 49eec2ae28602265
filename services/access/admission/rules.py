"""Pure rules of admission: what a request may ask, who may do what, how long a grant holds, what is agreed to."""

import hashlib
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, Protocol
from uuid import UUID
from zoneinfo import ZoneInfo

from services.kit.texts import Language

STOCKHOLM = ZoneInfo("Europe/Stockholm")
LAST_UNTIL = datetime(2200, 1, 1, tzinfo=UTC)
"""No grant is given for longer than this; it also keeps every reckoning with zones inside the calendar."""

# What terms without commercial use exclude: product development, and the parent that would include it (ADR 0005).
_COMMERCIAL = frozenset({"innovation", "innovation/product-development"})

GrantState = Literal["inert", "active", "expired", "revoked"]


class Owned(Protocol):
    """A request, an agreement or a grant: whose it is, and whose data it is about."""

    @property
    def project_id(self) -> UUID: ...

    @property
    def donor_id(self) -> UUID: ...

    @property
    def donation_id(self) -> UUID | None: ...


@dataclass(frozen=True)
class Sight:
    """Which admissions someone sees: those of projects, those about data of donors, those about data of cases."""

    projects: frozenset[UUID]
    donors: frozenset[UUID]
    donations: frozenset[UUID]
    everything: bool

    def reaches(self, thing: Owned) -> bool:
        """Whether `thing` is in sight."""
        return (
            self.everything
            or thing.project_id in self.projects
            or thing.donor_id in self.donors
            or thing.donation_id in self.donations
        )


def covers(permitted: str, purpose: str) -> bool:
    """Whether a permitted purpose permits `purpose`: itself and its children in the tree."""
    return purpose == permitted or purpose.startswith(permitted + "/")


@dataclass(frozen=True)
class Recipient:
    """A partner of the project that asks."""

    id: str
    sector: str


def refusal_of_request(
    normal: Mapping[str, Any], actions: Sequence[str], purpose: str, recipients: Collection[Recipient]
) -> list[tuple[str, str]]:
    """Return (pointer, code) for each part of a request that its terms (in normal form) can never permit.

    What no steward could grant is told at once, not after days of waiting.
    """
    problems = [
        (f"/actions/{index}", "action-never-permitted")
        for index, action in enumerate(actions)
        if action not in normal["actions"]
    ]
    purposes = normal["purposes"]
    permitted = purposes["any"] or any(covers(p, purpose) for p in purposes["list"])
    if not permitted or (not normal["commercial"] and purpose in _COMMERCIAL):
        problems.append(("/purpose", "purpose-never-permitted"))
    to = normal["recipients"]
    if not to["any"] and not any(r.id in to["partners"] or r.sector in to["sectors"] for r in recipients):
        problems.append(("/project_id", "recipient-never-permitted"))
    return problems


def grant_state(*, until: datetime, revoked: bool, signed: bool, now: datetime) -> GrantState:
    """Return the state of a grant; it holds while now < until."""
    if revoked:
        return "revoked"
    if now >= until:
        return "expired"
    return "active" if signed else "inert"


def whole_second(instant: datetime) -> datetime:
    """Return an instant without its fraction: decisions reckon in whole seconds, and ends must mean the same there."""
    return instant.replace(microsecond=0)


Refusals = list[tuple[str, str | None]]
"""Actions in the order shown, each with the code of why the caller may not take it (None: they may)."""


def request_refusals(*, decided: bool, steward: bool, member: bool, party: bool) -> Refusals:
    """Return what may be done with a request. Nobody decides their own, or one of a project they belong to (party)."""
    closed = "request-decided" if decided else None
    by_steward = closed or (None if steward else "steward-required")
    return [
        ("ask", by_steward),
        ("answer", closed or (None if member else "member-required")),
        ("decide", by_steward or ("own-project" if party else None)),
    ]


def agreement_refusals(*, signed: bool, lead: bool, ended: bool) -> Refusals:
    """Return what may be done with an agreement."""
    if signed:
        return [("sign", "agreement-signed")]
    return [("sign", "grant-ended" if ended else None if lead else "lead-required")]


def grant_refusals(*, state: GrantState, may_end: bool) -> Refusals:
    """Return what may be done with a grant."""
    ended = "grant-ended" if state in ("revoked", "expired") else None
    return [("revoke", ended or (None if may_end else "revoker-required"))]


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
    summary: Mapping[Language, Sequence[str]]
    """The terms in plain words, by language."""


_ACTIONS = {
    "read": {"sv": "läsa och ladda ned", "en": "read and download"},
    "prepare": {"sv": "bereda", "en": "prepare"},
    "annotate": {"sv": "annotera", "en": "annotate"},
    "train": {"sv": "träna modeller", "en": "train models"},
    "deploy": {"sv": "driftsätta modeller", "en": "deploy models"},
    "share-derivative": {"sv": "dela det som härletts", "en": "share what is derived"},
}

_MARKS = re.compile(r"([\\`*_\[\]<>#|~!&])")


def _plain(text: str) -> str:
    """Return people's text as one line of Markdown that reads as that text: no markup, no HTML."""
    return _MARKS.sub(r"\\\1", " ".join(text.split()))


def _quoted(text: str) -> str:
    """Return people's text as a Markdown quotation, so that no line of it can pass for a line of the agreement."""
    lines = [_plain(line) for line in text.splitlines()]
    # A line that begins like a list, a number or a rule would be markup even without marks inside it.
    lines = [re.sub(r"^([-+=]|\d+[.)])", lambda m: m[0][:-1] + "\\" + m[0][-1], line) for line in lines]
    return "\n".join(f"> {line}".rstrip() for line in lines)


def agreement_text(facts: AgreementFacts) -> dict[str, str]:
    """Return the agreement in Swedish and English, as Markdown, made of the project and the terms."""
    day = facts.until.astimezone(STOCKHOLM).strftime("%Y-%m-%d %H:%M:%S")
    sv_actions = ", ".join(_ACTIONS[a]["sv"] for a in facts.actions)
    en_actions = ", ".join(_ACTIONS[a]["en"] for a in facts.actions)
    partners = ", ".join(_plain(name) for name in facts.project_partners)
    project, donor, title = _plain(facts.project_name), _plain(facts.donor_name), _plain(facts.dataset_title)
    sv = [
        "# Avtal om användning av donerade data",
        f"**Givare:** {donor}",
        f"**Mottagare:** projektet {project} ({partners})",
        f"**Data:** {title} ({facts.dataset_id})",
        "## Vad projektet får göra",
        f"Projektet får {sv_actions}, för ändamålet {facts.purpose}, till {day} (svensk tid).",
        "Projektets egen beskrivning av ändamålet:",
        _quoted(facts.purpose_text),
        "## Givarens villkor",
        *(f"- {_plain(line)}" for line in facts.summary["sv"]),
        "## Vad projektet åtar sig",
        "- Bara projektets medlemmar använder data, och bara för ändamålet ovan.",
        "- Ingen försöker ta reda på vilka personer som kan finnas i data.",
        "- Misstänkta incidenter anmäls till fabriken genast, så att den personuppgiftsansvarige kan anmäla dem "
        "inom 72 timmar (dataskyddsförordningen artikel 33).",
        "- När rätten upphör eller återkallas stoppas allt arbete, och kopior raderas enligt villkoren.",
    ]
    en = [
        "# Agreement on the use of donated data",
        f"**Donor:** {donor}",
        f"**Recipient:** the project {project} ({partners})",
        f"**Data:** {title} ({facts.dataset_id})",
        "## What the project may do",
        f"The project may {en_actions}, for the purpose {facts.purpose}, until {day} (Swedish time).",
        "The project's own description of the purpose:",
        _quoted(facts.purpose_text),
        "## The donor's terms",
        *(f"- {_plain(line)}" for line in facts.summary["en"]),
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
