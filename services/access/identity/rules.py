"""Who may say what about whom. Pure: no database, no web."""

from typing import TypedDict
from uuid import UUID

from services.kit.problems import Problem, forbidden, invalid, not_found
from services.kit.tokens import Subject

SCOPES: dict[str, frozenset[str]] = {
    "operator": frozenset({"global"}),
    "finance": frozenset({"global"}),
    "steward": frozenset({"partner", "donation"}),
    "partner-admin": frozenset({"partner"}),
    "donor": frozenset({"partner"}),
    "annotator": frozenset({"campaign"}),
    "reviewer": frozenset({"campaign"}),
}
"""Kinds of scope a role can have. Lead and member are missing: a project's own people give those."""

_OF_OWN_PARTNER = frozenset({"partner-admin", "donor"})


class PartnerFacts(TypedDict):
    """What a decision needs to know of a partner, as its input has it. Active: not suspended."""

    id: str
    sector: str
    country: str
    active: bool


class UserFacts(TypedDict):
    """What a decision needs to know of a user."""

    active: bool
    partner: PartnerFacts | None


def is_steward_of(subject: Subject, partner_id: UUID, donation_id: UUID | None = None) -> bool:
    """Whether the subject is steward of this donor, or of this case."""
    return subject.has("steward", "partner", partner_id) or (
        donation_id is not None and subject.has("steward", "donation", donation_id)
    )


def is_steward(subject: Subject) -> bool:
    """Whether the subject is steward of anything."""
    return subject.has("steward")


def administers(subject: Subject, partner_id: UUID) -> bool:
    """Whether the subject may look after this partner's people: its administrators, and operators."""
    return subject.has("operator") or subject.has("partner-admin", "partner", partner_id)


def visible_partners(subject: Subject) -> set[UUID] | None:
    """Return the partners the subject may see; None means all. Operators and stewards deal with every partner."""
    if subject.has("operator") or subject.has("finance") or is_steward(subject):
        return None
    own = subject.scopes("partner-admin", "partner") | subject.scopes("donor", "partner")
    return own | ({subject.partner_id} if subject.partner_id else set())


def administered_partners(subject: Subject) -> set[UUID] | None:
    """Return the partners whose people the subject may list; None means everyone. 403 for who administers none."""
    if subject.has("operator"):
        return None
    own = subject.scopes("partner-admin", "partner")
    if not own:
        raise forbidden("role-required", role="operator / partner-admin")
    return own


def check_scope(role: str, kind: str, scope_id: UUID | None) -> None:
    """422 unless `role` can be given at all, and in that kind of scope."""
    kinds = SCOPES.get(role)
    if kinds is None:
        raise invalid("/role", "role-by-project", role=role)
    if kind not in kinds:
        raise invalid("/scope/kind", "role-scope-invalid", role=role, kinds=", ".join(sorted(kinds)))
    if (scope_id is None) != (kind == "global"):
        raise invalid("/scope/id", "role-scope-id-invalid")


def check_may_assign(subject: Subject, role: str, kind: str, scope_id: UUID | None) -> None:
    """Operators give every role; a partner's administrators make administrators and donors of their own partner.

    403 `role-required` for who may not, 404 when the scope is a partner the caller cannot see.
    """
    if subject.has("operator"):
        return
    if role in _OF_OWN_PARTNER and scope_id is not None:
        if subject.has("partner-admin", "partner", scope_id):
            return
        visible = visible_partners(subject)
        if visible is not None and scope_id not in visible:
            raise not_found("partner")
        raise forbidden("role-required", role="partner-admin")
    raise forbidden("role-required", role="operator")


def needs_home(role: str) -> bool:
    """Whether only the partner's own people can hold the role."""
    return role in _OF_OWN_PARTNER


def check_may_revoke(subject: Subject, role: str, kind: str, scope_id: UUID | None, holder: UUID) -> None:
    """Whoever may give a role may take it back; 403 for one's own, 404 for what one cannot see."""
    try:
        check_may_assign(subject, role, kind, scope_id)
    except Problem as problem:
        if holder == subject.id:
            raise forbidden("role-required", role="operator / partner-admin") from None
        of_own = kind == "partner" and scope_id in subject.scopes("partner-admin", "partner")
        raise (problem if of_own else not_found("role assignment")) from None
