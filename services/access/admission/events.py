"""Facts of admission, as protobuf, into the outbox."""

from datetime import datetime
from uuid import UUID

from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from services.access.admission.models import AccessRequest, Agreement, Grant
from services.kit.db import RuleSession
from services.kit.events import access, catalog
from services.kit.inbox import Event
from services.kit.outbox import emit
from services.kit.schemas import epoch


def _id(value: UUID | None) -> str | None:
    return None if value is None else str(value)


def _tell(session: RuleSession, what: str, subject: UUID, message: Message, revision: int, at: datetime | None) -> None:
    emit(session, f"factory.access.{what}.v1", subject, message, revision=revision, at=at)


def request_submitted(session: RuleSession, request: AccessRequest) -> None:
    """A project asked for access."""
    message = access.RequestSubmitted(
        request_id=str(request.id),
        project_id=str(request.project_id),
        dataset_id=str(request.dataset_id),
        donor_partner_id=str(request.donor_id),
        actions=request.actions,
        purpose=request.purpose,
        submitted_by=str(request.requester_id),
    )
    _tell(session, "request.submitted", request.id, message, request.revision, request.created_at)


def request_decided(session: RuleSession, request: AccessRequest, grant: Grant | None) -> None:
    """A steward approved or rejected a request, or its dataset was withdrawn (nobody decided then)."""
    message = access.RequestDecided(
        request_id=str(request.id),
        project_id=str(request.project_id),
        dataset_id=str(request.dataset_id),
        approved=request.state == "approved",
        grant_id=_id(grant.id) if grant else None,
        decided_by=_id(request.decided_by),
    )
    _tell(session, "request.decided", request.id, message, request.revision, request.decided_at)


def agreement_signed(session: RuleSession, agreement: Agreement) -> None:
    """A project accepted the text that its grant waits for."""
    message = access.AgreementSigned(
        agreement_id=str(agreement.id),
        grant_id=str(agreement.grant_id),
        project_id=str(agreement.project_id),
        digest=agreement.digest,
        signed_by=str(agreement.signed_by),
    )
    _tell(session, "agreement.signed", agreement.id, message, agreement.revision, agreement.signed_at)


def grant_issued(session: RuleSession, grant: Grant, agreement: Agreement) -> None:
    """A grant was made; it holds once its agreement is signed."""
    message = access.GrantIssued(
        grant_id=str(grant.id),
        project_id=str(grant.project_id),
        dataset_id=str(grant.dataset_id),
        request_id=str(grant.request_id),
        agreement_id=str(agreement.id),
        actions=grant.actions,
        purpose=grant.purpose,
        until=Timestamp(seconds=epoch(grant.until)),
    )
    _tell(session, "grant.issued", grant.id, message, grant.revision, grant.created_at)


def grant_revoked(session: RuleSession, grant: Grant) -> None:
    """A grant was taken back, or ended with its dataset."""
    assert grant.revoked_at is not None
    message = access.GrantRevoked(
        grant_id=str(grant.id),
        project_id=str(grant.project_id),
        dataset_id=str(grant.dataset_id),
        revoked_by=_id(grant.revoked_by),
        revoked_at=Timestamp(seconds=epoch(grant.revoked_at)),
    )
    _tell(session, "grant.revoked", grant.id, message, grant.revision, grant.revoked_at)


def grant_expired(session: RuleSession, grant: Grant) -> None:
    """A grant reached its end."""
    message = access.GrantExpired(
        grant_id=str(grant.id),
        project_id=str(grant.project_id),
        dataset_id=str(grant.dataset_id),
        expired_at=Timestamp(seconds=epoch(grant.until)),
    )
    _tell(session, "grant.expired", grant.id, message, grant.revision, grant.end_announced_at)


DATASET_WITHDRAWN = "factory.catalog.dataset.withdrawn.v1"


def withdrawn_dataset(event: Event) -> UUID | None:
    """Return the dataset that an event says was withdrawn; None for any other event."""
    return UUID(event.message.dataset_id) if isinstance(event.message, catalog.DatasetWithdrawn) else None
