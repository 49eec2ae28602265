"""Facts about donations, as messages."""

from services.catalog.intake.models import Donation
from services.kit.db import RuleSession
from services.kit.events import catalog
from services.kit.outbox import emit


def donation_submitted(session: RuleSession, donation: Donation) -> None:
    """A donation waits for a steward."""
    message = catalog.DonationSubmitted(
        donation_id=str(donation.id),
        partner_id=str(donation.partner_id),
        terms_id=str(donation.terms_id),
        submitted_by=str(donation.submitted_by),
    )
    _emit(session, "submitted", donation, message)


def donation_accepted(session: RuleSession, donation: Donation) -> None:
    """A donation became a dataset."""
    message = catalog.DonationAccepted(
        donation_id=str(donation.id),
        partner_id=str(donation.partner_id),
        dataset_id=str(donation.dataset_id),
        version_id=str(donation.version_id),
        accepted_by=str(donation.decided_by),
    )
    _emit(session, "accepted", donation, message)


def donation_rejected(session: RuleSession, donation: Donation) -> None:
    """A donation was refused."""
    message = catalog.DonationRejected(
        donation_id=str(donation.id), partner_id=str(donation.partner_id), rejected_by=str(donation.decided_by)
    )
    _emit(session, "rejected", donation, message)


def _emit(
    session: RuleSession,
    verb: str,
    donation: Donation,
    message: catalog.DonationSubmitted | catalog.DonationAccepted | catalog.DonationRejected,
) -> None:
    emit(session, f"factory.catalog.donation.{verb}.v1", str(donation.id), message, revision=donation.revision)
