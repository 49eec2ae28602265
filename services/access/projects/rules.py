"""What holds for projects. Pure."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Literal, NamedTuple, TypedDict
from uuid import UUID
from zoneinfo import ZoneInfo

from services.kit.problems import conflict, invalid
from services.kit.schemas import epoch
from services.kit.tokens import Subject

STOCKHOLM = ZoneInfo("Europe/Stockholm")
FOR_EVER = 253402300799
"""Epoch second that stands for no end (9999-12-31T23:59:59Z)."""

MemberRole = Literal["lead", "member"]


class ProjectFacts(TypedDict):
    """What a decision needs to know of a project, as its input has it.

    Times are epoch seconds. `ends` and `ethics_until` are the first second at which it no longer holds.
    """

    id: str
    purpose: str
    open: bool
    starts: int
    ends: int
    partner_ids: list[str]
    ethics_until: int


class MembershipFacts(TypedDict):
    """What a decision needs to know of a user in a project, as its input has it."""

    active: bool
    role: Literal["lead", "member", "none"]


class Profile(NamedTuple):
    """A project as those see it whom it asks for data."""

    name: str
    purpose: str
    description: str
    partners: list[str]
    collaborative: bool
    ethics_number: str | None
    ethics_valid_until: date | None


class Names(NamedTuple):
    """What people call a project and its partners (by name, sorted)."""

    project: str
    partners: list[str]


@dataclass(frozen=True)
class Viewer:
    """Which projects someone may see: all, or those they are in and those of partners they administer."""

    user_id: UUID
    everything: bool
    partner_ids: frozenset[UUID]


def viewer_of(subject: Subject) -> Viewer:
    """Return what the subject may see. Operators and finance deal with every project; a steward sees what asks them."""
    return Viewer(
        user_id=subject.id,
        everything=any(subject.has(role) for role in ("operator", "finance")),
        partner_ids=frozenset(subject.scopes("partner-admin", "partner")),
    )


def start_of(day: date) -> int:
    """Return the first second of a day in Stockholm."""
    return epoch(datetime.combine(day, time.min, STOCKHOLM))


def end_of(day: date) -> int:
    """Return the first second after a day in Stockholm (23, 24 or 25 hours after its start)."""
    return start_of(day + timedelta(days=1))


def check_dates(starts_on: date, ends_on: date) -> None:
    """422 when a project would end before it starts."""
    if ends_on < starts_on:
        raise invalid("/ends_on", "dates-reversed")


def check_partners(
    partner_ids: Collection[UUID], own: UUID, known: Collection[UUID], with_members: Collection[UUID]
) -> None:
    """422 for unknown partners and when the project's own one is left out, 409 when one with members is."""
    if own not in partner_ids:
        raise invalid("/partner_ids", "own-partner-missing")
    for partner_id in partner_ids:
        if partner_id not in known:
            raise invalid("/partner_ids", "partner-unknown")
    if any(partner_id not in partner_ids for partner_id in with_members):
        raise conflict("partner-has-members")


def check_lead_remains(leads: Collection[UUID], leaving: UUID) -> None:
    """409 when the last lead would go, or step down."""
    if set(leads) <= {leaving}:
        raise conflict("last-lead")


def refusals(
    *, closed: bool, lead: bool, member: bool, last_lead: bool, operator: bool
) -> list[tuple[str, str | None]]:
    """Return each action on a project with the code of why the caller may not take it (None: they may)."""
    by_lead = "project-closed" if closed else None if lead else "lead-required"
    leave = "project-closed" if closed else "last-lead" if last_lead else None if member else "lead-required"
    close = "project-closed" if closed else None if lead or operator else "lead-required"
    return [
        ("update", by_lead),
        ("add-member", by_lead),
        ("remove-member", by_lead),
        ("leave", leave),
        ("close", close),
    ]


def unique(ids: Sequence[UUID]) -> list[UUID]:
    """Return the ids once each, in the order first named."""
    return list(dict.fromkeys(ids))
