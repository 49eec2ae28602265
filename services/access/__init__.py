"""Access: who someone is, what for, and whether they may. The only issuer of tokens inside the factory."""

from pathlib import Path

from services.access.admission.endpoints import router as admission
from services.access.admission.texts import TEXTS as ADMISSION_TEXTS
from services.access.admission.work import announce_ends, subscriptions
from services.access.base import metadata
from services.access.components import components
from services.access.credentials.endpoints import router as credentials
from services.access.credentials.operator import announce_operator_secret
from services.access.decisions.endpoints import internal as internal_decisions
from services.access.decisions.endpoints import router as decisions
from services.access.decisions.service import policy_ready
from services.access.decisions.texts import TEXTS as DECISION_TEXTS
from services.access.identity.endpoints import internal as internal_identity
from services.access.identity.endpoints import router as identity
from services.access.journal.endpoints import router as journal
from services.access.journal.texts import TEXTS as JOURNAL_TEXTS
from services.access.projects.endpoints import router as projects
from services.access.settings import AccessSettings
from services.access.terms.endpoints import internal as internal_terms
from services.access.terms.endpoints import router as terms
from services.access.terms.texts import TEXTS as TERMS_TEXTS
from services.access.texts import TEXTS
from services.access.tokens.endpoints import internal as internal_tokens
from services.access.tokens.endpoints import router as tokens
from services.access.training.endpoints import router as training
from services.access.training.texts import TEXTS as TRAINING_TEXTS
from services.access.training.work import announce_lapsed_completions
from services.kit.service import Service

service = Service(
    name="access",
    title="Data Factory: access",
    settings=AccessSettings,
    metadata=metadata,
    migrations=Path(__file__).parent / "migrations" / "versions",
    routers=(tokens, identity, credentials, projects, terms, training, admission, decisions, journal),
    internal=(internal_tokens, internal_identity, internal_terms, internal_decisions),
    subscriptions=subscriptions,
    workers=(announce_operator_secret, announce_lapsed_completions, announce_ends),
    texts={**TEXTS, **TERMS_TEXTS, **TRAINING_TEXTS, **ADMISSION_TEXTS, **DECISION_TEXTS, **JOURNAL_TEXTS},
    components=components,
    ready={"policy": policy_ready},
    asks=("catalog",),
)
