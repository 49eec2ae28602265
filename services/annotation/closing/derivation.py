"""The version that a campaign becomes, as the catalogue makes it: opened for a lead, worked on by this service."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Literal, cast
from urllib.parse import urlencode
from uuid import UUID

from services.annotation.campaigns.models import Campaign
from services.kit.context import Context
from services.kit.frames import write_frames
from services.kit.problems import Problem, unavailable
from services.kit.tokens import Subject

PAGE = 5000
"""Files that are taken over in one question."""
_SMALL = 16 * 1024 * 1024
_DEADLINE_S = 120.0

State = Literal["open", "committed", "abandoned"]


async def begin(ctx: Context, caller: Subject, campaign: Campaign, permit_token: str) -> None:
    """Open the derivation, on the caller's permit to annotate the whole version. Asking twice changes nothing."""
    body = {
        "id": str(campaign.id),
        "parent_version_id": str(campaign.version_id),
        "source_kind": "campaign",
        "permit_token": permit_token,
    }
    await ctx.http.request(
        "catalog", "POST", "/internal/v1/derivations", json=body, user=caller, idempotent=True, deadline_s=20.0
    )


async def look(ctx: Context, campaign_id: UUID) -> tuple[State, UUID]:
    """Return how far the derivation is, and the version that it becomes. 410 when its dataset was withdrawn."""
    answer = await ctx.http.get_json("catalog", f"/internal/v1/derivations/{campaign_id}")
    try:
        return answer["state"], UUID(answer["version_id"])
    except (KeyError, TypeError, ValueError):
        raise unavailable("catalog") from None


async def parent_paths(ctx: Context, campaign_id: UUID) -> AsyncIterator[list[str]]:
    """Yield the paths of the annotated version, so many at a time."""
    after: str | None = None
    while True:
        query = urlencode({"limit": PAGE, **({"after": after} if after is not None else {})})
        answer = cast(
            "dict[str, Any]",
            await ctx.http.request(
                "catalog", "GET", f"/internal/v1/derivations/{campaign_id}/files?{query}", deadline_s=_DEADLINE_S
            ),
        )
        try:
            paths = [str(item["path"]) for item in answer["items"]]
            after = answer["next"]
        except (KeyError, TypeError):
            raise unavailable("catalog") from None
        if paths:
            yield paths
        if after is None:
            return


async def keep(ctx: Context, campaign_id: UUID, paths: Sequence[str]) -> None:
    """Take these files over as they are."""
    await ctx.http.request(
        "catalog",
        "POST",
        f"/internal/v1/derivations/{campaign_id}/keep",
        json={"paths": list(paths)},
        idempotent=True,
        deadline_s=_DEADLINE_S,
    )


async def put(ctx: Context, campaign_id: UUID, path: str, media_type: str, content: bytes) -> None:
    """Add a file of ours."""
    if len(content) <= _SMALL:
        body = write_frames([({"path": path, "media_type": media_type, "source": None}, content)])
        target, method = f"/internal/v1/derivations/{campaign_id}/stage", "POST"
    else:
        query = urlencode({"path": path, "media_type": media_type})
        target, method, body = f"/internal/v1/derivations/{campaign_id}/file?{query}", "PUT", content
    await ctx.http.request_bytes("catalog", method, target, content=body, idempotent=True, deadline_s=_DEADLINE_S)


async def commit(ctx: Context, campaign_id: UUID, details: Mapping[str, Any]) -> UUID:
    """Make the version; return its id. Asking twice changes nothing."""
    answer = await ctx.http.request(
        "catalog",
        "POST",
        f"/internal/v1/derivations/{campaign_id}/commit",
        json={"details": dict(details)},
        idempotent=True,
        deadline_s=_DEADLINE_S,
    )
    try:
        return UUID(answer["version_id"])
    except (KeyError, TypeError, ValueError):
        raise unavailable("catalog") from None


def is_gone(problem: Problem) -> bool:
    """Whether the dataset was withdrawn: nothing is to be made of it any more."""
    return problem.status == 410
