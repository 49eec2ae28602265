"""Whether a permit is good: for this caller and version, and still live, as access says."""

import asyncio
import hashlib
from uuid import UUID

from services.kit.context import Context
from services.kit.leases import keeper_of
from services.kit.problems import Problem, forbidden
from services.kit.tokens import Permit, Subject

# Whoever may do one of these must be able to read what it is done to.
READING_ACTIONS = frozenset({"read", "prepare", "annotate", "train", "deploy", "share-derivative"})


def path_digest(path: str) -> str:
    """Return how a permit names a path: SHA-256 (hex) of its UTF-8."""
    return hashlib.sha256(path.encode("utf-8")).hexdigest()


def may_read_path(permit: Permit | None, path: str) -> bool:
    """Whether the permit covers this path (in NFC). Without listed paths it covers the version."""
    return permit is None or not permit.path_digests or path_digest(path) in permit.path_digests


async def verified_permit(
    ctx: Context, caller: Subject, version_id: UUID, token: str | None
) -> Permit | Problem | None:
    """Return the permit in `token`, None without one, or why it is not good for this caller and version."""
    if token is None:
        return None
    try:
        permit = await ctx.verifier.permit(token)
    except Problem as problem:
        if problem.status != 401:
            raise
        # The bearer is fine; it is the permit that is not. 401 would make clients sign in again.
        code = "permit-expired" if problem.code == "token-expired" else "permit-invalid"
        return forbidden(code, cures=[cure(version_id)])
    if permit.subject_id != caller.id or permit.version_id != version_id or permit.action not in READING_ACTIONS:
        return mismatch(version_id)
    return permit


def cure(version_id: UUID) -> dict[str, object]:
    """Return what helps against a missing permit."""
    return {"kind": "ask-decision", "operation_id": "evaluate_decision", "version_id": str(version_id)}


def missing(version_id: UUID) -> Problem:
    """403: there is no permit."""
    return forbidden("permit-required", cures=[cure(version_id)])


def mismatch(version_id: UUID) -> Problem:
    """403: the permit is for something else."""
    return forbidden("permit-mismatch", cures=[cure(version_id)])


async def require_live(ctx: Context, version_id: UUID, permit: Permit) -> float:
    """Ask access whether the permit still holds, and return when it was asked (the loop's time); 403 when it does not.

    503 when access does not answer.
    """
    asked_at = asyncio.get_running_loop().time()
    answer = await keeper_of(ctx).check(permit.decision_id)
    if not answer.live:
        codes = list(answer.codes)
        raise Problem(403, "permit-not-live", cures=[cure(version_id)], extra={"codes": codes})
    return asked_at
