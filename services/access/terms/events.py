"""Facts of terms, as protobuf. Ids only."""

from services.access.terms.models import Terms
from services.kit.db import RuleSession
from services.kit.events.factory.access.v1.events_pb2 import TermsPublished
from services.kit.outbox import emit


def terms_published(session: RuleSession, terms: Terms) -> None:
    """Terms exist, and donations can be made under them."""
    message = TermsPublished(
        terms_id=str(terms.id), partner_id=str(terms.partner_id), number=terms.number, digest=terms.digest
    )
    emit(session, "factory.access.terms.published.v1", str(terms.id), message, revision=1)
