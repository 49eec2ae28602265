"""Facts of identity, as protobuf. Ids only."""

from uuid import UUID

from services.access.identity.models import Partner
from services.kit.db import RuleSession
from services.kit.events import access
from services.kit.outbox import emit


def partner_suspended(session: RuleSession, partner: Partner, by: UUID) -> None:
    """A partner and its people may use nothing until further notice."""
    message = access.PartnerSuspended(partner_id=str(partner.id), suspended_by=str(by))
    emit(session, "factory.access.partner.suspended.v1", str(partner.id), message, revision=partner.revision)


def member_added(session: RuleSession, partner: Partner, user_id: UUID) -> None:
    """A user has become one of a partner's people."""
    message = access.MemberAdded(partner_id=str(partner.id), user_id=str(user_id), role="member")
    emit(session, "factory.access.member.added.v1", str(partner.id), message, revision=partner.revision)


def member_removed(session: RuleSession, partner: Partner, user_id: UUID) -> None:
    """A user is no longer one of a partner's people."""
    message = access.MemberRemoved(partner_id=str(partner.id), user_id=str(user_id))
    emit(session, "factory.access.member.removed.v1", str(partner.id), message, revision=partner.revision)
