"""Campaigns are opened, changed and staffed."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from services.annotation.campaigns import content, events, repository, rules, selection
from services.annotation.campaigns.catalog import DatasetFacts, FileFacts
from services.annotation.campaigns.keys import CampaignKeys, Secrets
from services.annotation.campaigns.models import Campaign, Guidelines, Member
from services.annotation.campaigns.schemas import MAX_ITEMS, CampaignIn, CampaignPatch, CampaignRole, Selection
from services.annotation.campaigns.shapes import LabelSchema, schema_to_json
from services.kit.db import RuleSession
from services.kit.ids import new_id
from services.kit.problems import invalid
from services.kit.tokens import Subject


def pseudonym(number: int, role: str = "annotator") -> str:
    """Return what a campaign's member number is called where no user may be named."""
    return f"{role}-{number}"


def check_media(schema: LabelSchema, chosen: Selection) -> None:
    """422 when pictures are to be labelled as text, or text as pictures."""
    if schema.media != chosen.media:
        raise invalid("/selection/media", "media-for-kind", kind=schema.kind, media=schema.media)


async def choose(files: AsyncIterator[FileFacts], chosen: Selection) -> list[FileFacts]:
    """Return the files that become items, by path; 422 when there are none, or more than a campaign may have."""
    limit = chosen.limit or MAX_ITEMS
    found: list[FileFacts] = []
    async for file in files:
        if selection.media_of(file.media_type) != chosen.media or not selection.matches(file.path, chosen.paths):
            continue
        if len(found) == limit:
            if chosen.limit is None:
                raise invalid("/selection/limit", "too-many-items", limit=MAX_ITEMS)
            break
        found.append(file)
    if not found:
        raise invalid("/selection", "nothing-selected", media=chosen.media)
    return found


async def create(
    session: RuleSession,
    keys: CampaignKeys,
    caller: Subject,
    body: CampaignIn,
    schema: LabelSchema,
    facts: DatasetFacts,
    files: Sequence[FileFacts],
    now: datetime,
) -> Campaign:
    """Open a campaign over these files. The law has been asked."""
    campaign_id = new_id()
    secrets, wrapped = await keys.make(campaign_id)
    campaign = Campaign(
        id=campaign_id,
        dataset_id=facts.dataset_id,
        version_id=body.version_id,
        partner_id=facts.partner_id,
        donation_id=facts.donation_id,
        project_id=body.project_id,
        purpose=body.purpose,
        title=body.title,
        label_schema=schema_to_json(schema),
        overlap=body.overlap,
        items=len(files),
        guidelines=body.guidelines,
        wrapped_key=wrapped,
        created_by=caller.id,
        created_at=now,
    )
    session.add(campaign)
    await session.flush()
    session.add(_wording(campaign, caller, now))
    rows = await asyncio.to_thread(lambda: _item_rows(secrets, campaign, files))
    await repository.add_items(session, rows)
    events.campaign_opened(session, campaign)
    await session.flush()
    return campaign


def _item_rows(secrets: Secrets, campaign: Campaign, files: Sequence[FileFacts]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for number, file in enumerate(files, 1):
        item_id = new_id()
        rows.append(
            {
                "id": item_id,
                "campaign_id": campaign.id,
                "number": number,
                "path_mark": secrets.path_mark(file.path),
                "sealed": content.seal_path(secrets, item_id, file.path),
                "media_type": file.media_type[:200],
                "size": file.size,
                "state": "open",
                "free": campaign.overlap,
                "claimed": 0,
                "submitted": 0,
                "revision": 1,
            }
        )
    return rows


def _wording(campaign: Campaign, caller: Subject, now: datetime) -> Guidelines:
    return Guidelines(
        campaign_id=campaign.id,
        number=campaign.guidelines_number,
        text=campaign.guidelines,
        created_by=caller.id,
        created_at=now,
    )


async def update(
    session: RuleSession, caller: Subject, campaign: Campaign, change: CampaignPatch, now: datetime
) -> None:
    """Change title or guidelines of a campaign, locked. New guidelines are a new wording; the old ones are kept."""
    rules.require_open(campaign)
    before = (campaign.title, campaign.guidelines)
    campaign.title = change.title or campaign.title
    if change.guidelines is not None and change.guidelines != campaign.guidelines:
        campaign.guidelines = change.guidelines
        campaign.guidelines_number += 1
        session.add(_wording(campaign, caller, now))
    if before != (campaign.title, campaign.guidelines):
        campaign.revision += 1
    await session.flush()


async def member_for(session: RuleSession, campaign: Campaign, user_id: UUID, by: UUID, now: datetime) -> Member:
    """Return somebody's entry in a campaign, made if there is none: from now on they have a number."""
    found = await repository.member(session, campaign.id, user_id)
    if found is not None:
        return found
    values: dict[str, Any] = {"campaign_id": campaign.id, "user_id": user_id, "added_by": by, "added_at": now}
    return await repository.enter_member(session, {**values, "annotator": False, "reviewer": False})


async def set_role(
    session: RuleSession,
    campaign: Campaign,
    user_id: UUID,
    role: CampaignRole,
    held: bool,
    *,
    by: UUID,
    now: datetime,
) -> Member:
    """Note that somebody was given a role, or that it was taken back. Access has done so already."""
    member = await member_for(session, campaign, user_id, by, now)
    setattr(member, role, held)
    session.add(member)
    await session.flush()
    return member
