"""What a subject may do right now. A token says who asks; it may be five minutes old, so what they hold is read live.

A role given a second ago works at once, and one that was taken does not linger. When access does not answer, the
token's own claims are used: they are what access last said.
"""

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Protocol
from uuid import UUID

from services.kit.http import ServiceClient
from services.kit.problems import Problem, unauthenticated
from services.kit.tokens import Role, Subject

KEEP_S = 2.0
_MOST = 10_000


class SubjectSource(Protocol):
    """Tells what a subject holds now."""

    async def live(self, subject: Subject, *, fresh: bool = False) -> Subject:
        """Return `subject` with the roles, partner and projects of now (`fresh`: not from memory).

        Raises 401 when the subject is no longer active.
        """
        ...


def with_claims(subject: Subject, claims: Mapping[str, Any]) -> Subject:
    """Return `subject` holding what `claims` (as in a user token, with `active`) say."""
    if not claims["active"]:
        raise unauthenticated("token-invalid")
    return replace(
        subject,
        partner_id=UUID(claims["partner"]) if claims["partner"] else None,
        roles=frozenset(Role(n, k, UUID(i) if i else None) for n, k, i in claims["roles"]),
        projects={UUID(k): str(v) for k, v in claims["projects"].items()},
    )


class RemoteSubjects:
    """Asks access, and remembers its answer for two seconds."""

    def __init__(self, http: ServiceClient) -> None:
        self._http = http
        self._known: dict[UUID, tuple[float, Mapping[str, Any]]] = {}

    async def live(self, subject: Subject, *, fresh: bool = False) -> Subject:
        """See `SubjectSource.live`."""
        now = time.monotonic()
        known = self._known.get(subject.id)
        if known is None or fresh or now - known[0] > KEEP_S:
            try:
                claims = await self._http.get_json("access", f"/internal/v1/subjects/{subject.id}")
            except Problem as problem:
                if problem.status == 404:
                    raise unauthenticated("token-invalid") from None
                return subject
            if len(self._known) >= _MOST:
                self._known.clear()
            known = self._known[subject.id] = (now, claims)
        return with_claims(subject, known[1])
