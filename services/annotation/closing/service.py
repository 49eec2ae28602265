"""A campaign's end: closing begins, is finished or put off; and what withdrawal leaves of it."""

from datetime import datetime
from uuid import UUID

from services.annotation.campaigns import events, rules
from services.annotation.campaigns import repository as campaigns
from services.annotation.campaigns.models import Campaign
from services.annotation.closing import repository
from services.annotation.tasks import pool
from services.kit.db import RuleSession
from services.kit.problems import conflict
from services.kit.tokens import Subject


async def counts_of(session: RuleSession, campaign: Campaign) -> dict[str, int]:
    """Return how far the campaign's items are."""
    return (await campaigns.counts(session, [campaign.id])).get(campaign.id, {})


def check(campaign: Campaign, counts: dict[str, int], accept_incomplete: bool) -> None:
    """409 when the campaign is not open, or lacks something that its lead does not accept to lack."""
    rules.require_open(campaign)
    refusal = rules.closing_refusal(counts)
    if refusal is not None and not accept_incomplete:
        raise refusal


async def begin(
    session: RuleSession, caller: Subject, campaign: Campaign, accept_incomplete: bool, begun: bool, now: datetime
) -> None:
    """Close a campaign, locked: nothing more is taken in, and a worker makes the version of what was accepted.

    `begun`: whether the catalogue was told of the version. 409 `campaign-changed` when it turns out to be needed.
    """
    counts = await counts_of(session, campaign)
    check(campaign, counts, accept_incomplete)
    campaign.state, campaign.accept_incomplete, campaign.reason = "closing", accept_incomplete, None
    campaign.closed_by = caller.id
    campaign.closing_claim, campaign.closing_until, campaign.closing_attempts = None, None, 0
    campaign.revision += 1
    session.add(campaign)
    await session.flush()
    await pool.end_tasks_of(session, campaign.id, None, "campaign-closed")
    # Whoever was just submitting has been waited for.
    accepted = (await counts_of(session, campaign)).get("accepted", 0)
    if accepted and not begun:
        raise conflict("campaign-changed")
    if not accepted:
        await finish(session, campaign, None, now)


async def finish(session: RuleSession, campaign: Campaign, version_id: UUID | None, now: datetime) -> None:
    """The version is there (None: nothing was accepted): the campaign, locked, is closed."""
    campaign.state, campaign.closed_at, campaign.result_version_id = "closed", now, version_id
    campaign.closing_claim, campaign.closing_until, campaign.reason = None, None, None
    campaign.revision += 1
    session.add(campaign)
    accepted = (await counts_of(session, campaign)).get("accepted", 0)
    events.campaign_closed(session, campaign, accepted if version_id is not None else 0)
    await session.flush()


async def reopen(session: RuleSession, campaign: Campaign, reason: str) -> None:
    """The version cannot be made: the campaign, locked, is open again, and says why."""
    campaign.state, campaign.reason = "open", reason[:60]
    campaign.closing_claim, campaign.closing_until, campaign.closed_by = None, None, None
    campaign.revision += 1
    session.add(campaign)
    await session.flush()


async def withdraw(session: RuleSession, campaign: Campaign) -> None:
    """The data were taken back: the campaign, locked, keeps its record and nothing of its contents."""
    campaign.state, campaign.closing_claim, campaign.closing_until = "withdrawn", None, None
    campaign.revision += 1
    session.add(campaign)
    await session.flush()
    await pool.end_tasks_of(session, campaign.id, None, "dataset-withdrawn")
    await repository.erase_contents(session, campaign.id)
