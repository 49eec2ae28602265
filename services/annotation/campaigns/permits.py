"""The law is asked for each piece of work, with the token of whoever does it: a role alone opens no data."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, cast
from uuid import UUID

from services.annotation.campaigns.models import Campaign
from services.kit.context import Context
from services.kit.problems import Problem, unavailable
from services.kit.texts import Language
from services.kit.tokens import Subject


@dataclass(frozen=True)
class Question:
    """What is asked of the law: to do `action` with a version, in a project, for a purpose."""

    version_id: UUID
    project_id: UUID
    purpose: str
    action: Literal["annotate", "read"] = "annotate"


@dataclass(frozen=True)
class Permit:
    """A decision that permits. `token` opens the files it is about, together with a token of the same subject."""

    decision_id: UUID
    token: str = field(repr=False)
    expires_at: datetime
    asked_at: float
    """The loop's time just before the question: so long the decision is known to hold."""


def about(campaign: Campaign, action: Literal["annotate", "read"] = "annotate") -> Question:
    """Return the question about a campaign's own version, project and purpose."""
    return Question(campaign.version_id, campaign.project_id, campaign.purpose, action)


async def ask(ctx: Context, caller: Subject, question: Question, lang: Language, paths: Sequence[str] = ()) -> Permit:
    """Ask access whether the caller may, for these paths (none: for the whole version).

    Raises 403 `decision-denied` with the law's codes and cures, 404 for what the caller may not know of, 503 when there
    is no answer that can be believed. The decision is recorded by access either way.
    """
    body = {
        "version_id": str(question.version_id),
        "project_id": str(question.project_id),
        "action": question.action,
        "purpose": question.purpose,
        "paths": list(paths),
    }
    asked_at = asyncio.get_running_loop().time()
    raw = await ctx.http.request_bytes(
        "access",
        "POST",
        "/api/v1/decisions",
        json=body,
        user=caller,
        headers={"Accept-Language": lang},
        deadline_s=10.0,
    )
    try:
        answer = cast("dict[str, Any]", json.loads(raw))
        decision_id = UUID(answer["id"])
        if answer["permit"] is True:
            return Permit(
                decision_id, str(answer["permit_token"]), datetime.fromisoformat(answer["expires_at"]), asked_at
            )
        codes = [dict(code) for code in answer["codes"]]
        cures = [cure for code in codes for cure in code["cures"]]
    except (ValueError, KeyError, TypeError):
        raise unavailable("access") from None
    raise Problem(403, "decision-denied", cures=cures, extra={"decision_id": str(decision_id), "codes": codes})
