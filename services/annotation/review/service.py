"""Reviews as reviewers see them: answers without names, in an order of their own."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, cast
from uuid import UUID

from services.annotation.campaigns import content
from services.annotation.campaigns.catalog import file_url
from services.annotation.campaigns.keys import Secrets
from services.annotation.campaigns.marks import LabelSchemaBody, shown
from services.annotation.campaigns.models import Campaign, Item
from services.annotation.campaigns.permits import Permit
from services.annotation.review import repository
from services.annotation.review.schemas import AcceptedOut, AgreementOut, AnswerOut, ReviewOut
from services.annotation.review.settling import said_of
from services.annotation.review.statistics_texts import TEXTS
from services.annotation.tasks.models import Task
from services.annotation.tasks.schemas import ItemOut
from services.kit.db import RuleSession
from services.kit.schemas import AllowedAction
from services.kit.texts import Language


def shuffled(submissions: Sequence[Task]) -> list[Task]:
    """Return submissions in an order that has nothing to do with who made them or when, the same each time."""
    return sorted(submissions, key=lambda task: hashlib.sha256(b"review" + task.id.bytes).digest())


async def answers(session: RuleSession, secrets: Secrets, items: Sequence[Item]) -> dict[UUID, list[AnswerOut]]:
    """Return what was submitted for each of these items, nobody named."""
    by_item: dict[UUID, list[Task]] = {}
    for task in await repository.submissions(session, [item.id for item in items]):
        by_item.setdefault(task.item_id, []).append(task)

    def opened() -> dict[UUID, list[AnswerOut]]:
        return {
            item_id: [
                AnswerOut(marks=shown(said.marks), comment=said.comment) for said in said_of(secrets, shuffled(tasks))
            ]
            for item_id, tasks in by_item.items()
        }

    return await content.apart(opened, sum(map(len, by_item.values())))


def show(
    campaign: Campaign,
    secrets: Secrets,
    item: Item,
    said: Mapping[UUID, list[AnswerOut]],
    permit: Permit,
) -> ReviewOut:
    """Return an item as its reviewer sees it."""
    path = content.path_of(secrets, item)
    return ReviewOut.model_validate(
        {
            "id": item.id,
            "campaign_id": campaign.id,
            "item": ItemOut(
                id=item.id,
                path=path,
                media_type=item.media_type,
                size=item.size,
                width=item.width,
                height=item.height,
                length=item.length,
            ),
            "file_url": file_url(campaign.version_id, path),
            "permit_token": permit.token,
            "permit_expires_at": permit.expires_at,
            "answers": said.get(item.id, []),
            "guidelines": campaign.guidelines,
            "guidelines_number": campaign.guidelines_number,
            "schema": LabelSchemaBody.model_validate(campaign.label_schema),
            "revision": item.revision,
            "allowed_actions": [AllowedAction(action="review", allowed=True)],
        }
    )


def show_figures(figures: Mapping[str, Any], people: Mapping[str, UUID], language: Language) -> AgreementOut:
    """Return figures of agreement with the words of their reasons; `people`: who the pseudonyms are, for leads."""

    def told(value: Any) -> Any:
        if isinstance(value, list):
            return [told(entry) for entry in cast("list[Any]", value)]
        if not isinstance(value, dict):
            return value
        members = {name: told(entry) for name, entry in cast("dict[str, Any]", value).items()}
        if "reason" in members:
            members["text"] = TEXTS[members["reason"]][language] if members["reason"] else None
        if "annotator" in members:
            members["user_id"] = people.get(members["annotator"])
        return members

    return AgreementOut.model_validate(told(dict(figures)))


def show_accepted(secrets: Secrets, item: Item) -> AcceptedOut:
    """Return what holds for an item."""
    held = content.accepted_of(secrets, item)
    assert item.accepted_how is not None and item.accepted_at is not None
    return AcceptedOut(
        item_id=item.id,
        campaign_id=item.campaign_id,
        marks=shown(held.marks),
        comment=held.comment,
        state=item.state,
        how=item.accepted_how,
        accepted_at=item.accepted_at,
        revision=item.revision,
    )
