"""Every type of event: its message, its topic, and the aggregate whose id is its key.

Code, documentation (`services.kit.events.document`) and the AsyncAPI description all come from `EVENTS`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from google.protobuf.message import DecodeError, Message

from services.kit.events import access, annotation, catalog, deid
from services.kit.events.comments import COMMENTS

SCHEMA_URN = "urn:protobuf:"
"""`ce_dataschema` is this and the message's full name, such as `urn:protobuf:factory.access.v1.GrantRevoked`."""


class UnknownEvent(LookupError):
    """No message is known for a type of event."""


@dataclass(frozen=True)
class EventType:
    """What is known about one type of event."""

    ce_type: str
    """`factory.<service>.<noun>.<verb>.v1`, the `ce_type`."""
    message: type[Message]
    key: tuple[str, ...]
    """Fields that name the aggregate; exactly one is filled. Its value is the event's subject and the record's key."""

    @property
    def service(self) -> str:
        """The service that publishes it."""
        return self.ce_type.split(".")[1]

    @property
    def topic(self) -> str:
        """Where it is published: `factory.<service>.v1`."""
        return f"factory.{self.service}.v1"

    @property
    def name(self) -> str:
        """The message's full name, such as `factory.access.v1.GrantRevoked`."""
        return self.message.DESCRIPTOR.full_name

    @property
    def schema(self) -> str:
        """The `ce_dataschema`."""
        return SCHEMA_URN + self.name

    @property
    def key_noun(self) -> str:
        """What the key is, in words: `grant`, or `project or partner`."""
        return " or ".join(field.removesuffix("_id").replace("_", " ") for field in self.key)

    @property
    def description(self) -> str:
        """What has happened when it is published (the comment in the .proto file)."""
        return COMMENTS[self.name]

    def subject_of(self, message: Message) -> str:
        """Return the id of the aggregate that `message` is about; ValueError if it names none."""
        found = [value for field in self.key if (value := str(getattr(message, field)))]
        if len(found) != 1:
            raise ValueError(f"{self.name} must fill exactly one of {', '.join(self.key)}")
        return found[0]

    def decode(self, value: bytes) -> Message:
        """Return the message in `value`; ValueError if it is none of this type."""
        try:
            return self.message.FromString(value)
        except DecodeError as error:
            raise ValueError(f"not a {self.name}") from error


def _events(*events: EventType) -> Mapping[str, EventType]:
    return MappingProxyType({event.ce_type: event for event in events})


EVENTS: Mapping[str, EventType] = _events(
    EventType("factory.catalog.donation.submitted.v1", catalog.DonationSubmitted, ("donation_id",)),
    EventType("factory.catalog.donation.accepted.v1", catalog.DonationAccepted, ("donation_id",)),
    EventType("factory.catalog.donation.rejected.v1", catalog.DonationRejected, ("donation_id",)),
    EventType("factory.catalog.version.committed.v1", catalog.VersionCommitted, ("version_id",)),
    EventType("factory.catalog.version.released.v1", catalog.VersionReleased, ("version_id",)),
    EventType("factory.catalog.dataset.published.v1", catalog.DatasetPublished, ("dataset_id",)),
    EventType("factory.catalog.dataset.withdrawn.v1", catalog.DatasetWithdrawn, ("dataset_id",)),
    EventType("factory.catalog.key.destroyed.v1", catalog.KeyDestroyed, ("version_id",)),
    EventType("factory.access.terms.published.v1", access.TermsPublished, ("terms_id",)),
    EventType("factory.access.request.submitted.v1", access.RequestSubmitted, ("request_id",)),
    EventType("factory.access.request.decided.v1", access.RequestDecided, ("request_id",)),
    EventType("factory.access.agreement.signed.v1", access.AgreementSigned, ("agreement_id",)),
    EventType("factory.access.grant.issued.v1", access.GrantIssued, ("grant_id",)),
    EventType("factory.access.grant.revoked.v1", access.GrantRevoked, ("grant_id",)),
    EventType("factory.access.grant.expired.v1", access.GrantExpired, ("grant_id",)),
    EventType("factory.access.course.completed.v1", access.CourseCompleted, ("completion_id",)),
    EventType("factory.access.completion.expired.v1", access.CompletionExpired, ("completion_id",)),
    EventType("factory.access.member.added.v1", access.MemberAdded, ("project_id", "partner_id")),
    EventType("factory.access.member.removed.v1", access.MemberRemoved, ("project_id", "partner_id")),
    EventType("factory.access.partner.suspended.v1", access.PartnerSuspended, ("partner_id",)),
    EventType("factory.access.project.opened.v1", access.ProjectOpened, ("project_id",)),
    EventType("factory.access.project.closed.v1", access.ProjectClosed, ("project_id",)),
    EventType("factory.deid.run.started.v1", deid.RunStarted, ("run_id",)),
    EventType("factory.deid.run.finished.v1", deid.RunFinished, ("run_id",)),
    EventType("factory.deid.run.failed.v1", deid.RunFailed, ("run_id",)),
    EventType("factory.deid.report.published.v1", deid.ReportPublished, ("run_id",)),
    EventType("factory.deid.gate.passed.v1", deid.GatePassed, ("run_id",)),
    EventType("factory.deid.gate.refused.v1", deid.GateRefused, ("run_id",)),
    EventType("factory.annotation.campaign.opened.v1", annotation.CampaignOpened, ("campaign_id",)),
    EventType("factory.annotation.campaign.closed.v1", annotation.CampaignClosed, ("campaign_id",)),
    EventType("factory.annotation.annotation.accepted.v1", annotation.AnnotationAccepted, ("item_id",)),
)


def event_type(name: str) -> EventType:
    """Return what is known about the type `name`; `UnknownEvent` when nothing is."""
    try:
        return EVENTS[name]
    except KeyError:
        raise UnknownEvent(name) from None
