"""What a running service has at hand, and how endpoints and workers reach it."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from services.kit.clock import Clock
from services.kit.db import Database, RuleSession
from services.kit.settings import Settings
from services.kit.tokens import TokenVerifier

if TYPE_CHECKING:
    from services.kit.bus import Bus
    from services.kit.http import ServiceClient
    from services.kit.subjects import SubjectSource


class SealerPort(Protocol):
    """Seals small values so that they cannot be read in the database."""

    def seal(self, plaintext: bytes, aad: bytes) -> bytes: ...

    def open(self, sealed: bytes, aad: bytes) -> bytes: ...


@dataclass
class Context:
    """The parts a service is made of. `components` holds what `Service.components` made for this service alone."""

    service: str
    settings: Settings
    clock: Clock
    db: Database
    bus: "Bus"
    http: "ServiceClient"
    verifier: TokenVerifier
    sealer: SealerPort
    subjects: "SubjectSource | None" = None
    """Where what a subject holds is read live; None: from the token alone."""
    components: dict[str, Any] = field(default_factory=dict[str, Any])

    @asynccontextmanager
    async def unit(self) -> AsyncGenerator[RuleSession]:
        """A transaction for workers and subscriptions: commits on leaving, rolls back on any exception."""
        async with self.db.unit() as session:
            yield session
