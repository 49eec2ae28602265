"""The worker that closes campaigns. Any number of processes share the work; what one drops, another picks up.

Each step may be done twice without harm, and the catalogue knows what is done already: a killed closing goes on.
"""

import asyncio
import contextlib
from datetime import timedelta
from uuid import UUID

import structlog

from services.annotation.campaigns import repository as campaigns
from services.annotation.campaigns.keys import keys_of
from services.annotation.campaigns.models import Campaign
from services.annotation.closing import derivation, repository, result, service
from services.annotation.closing.document import document_of
from services.annotation.review.agreement import figures_of
from services.annotation.settings import AnnotationSettings
from services.kit.bus.failures import is_passing
from services.kit.context import Context
from services.kit.db import RuleSession
from services.kit.ids import new_id
from services.kit.problems import Problem

log = structlog.get_logger("factory.closing")

_IDLE_S = 1.0
_LONGEST_PAUSE_S = 30.0
# Faults that are not outages repeat themselves: after so many attempts the lead is told.
_ATTEMPTS = 5


class ClaimLost(Exception):
    """Another worker has the campaign, or it is no longer closing."""


def bell_of(ctx: Context) -> asyncio.Event:
    """Return what wakes this process's worker."""
    bell = ctx.components["closing_bell"]
    assert isinstance(bell, asyncio.Event)
    return bell


async def close_campaigns(ctx: Context, stop: asyncio.Event) -> None:
    """Worker: make versions of campaigns that are closing."""
    pause = _IDLE_S
    while not stop.is_set():
        try:
            while not stop.is_set() and await close_one(ctx):
                pause = _IDLE_S
            await _rest(ctx, stop, _IDLE_S)
        except Exception as error:
            # The database is away, most likely.
            log.warning("closing.paused", error=type(error).__name__, again_in_s=pause)
            await _rest(ctx, stop, pause)
            pause = min(pause * 2, _LONGEST_PAUSE_S)


async def _rest(ctx: Context, stop: asyncio.Event, seconds: float) -> None:
    bell = bell_of(ctx)
    waits = [asyncio.create_task(event.wait()) for event in (stop, bell)]
    try:
        await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
    bell.clear()


async def close_one(ctx: Context) -> bool:
    """Take a campaign that is closing and make its version; False when none waits."""
    claim = new_id()
    async with ctx.unit() as session:
        now = ctx.clock.now()
        campaign = await repository.claim_closing(session, claim, now, now + _hold_of(ctx))
    if campaign is None:
        return False
    try:
        await _close(ctx, campaign, claim)
    except ClaimLost:
        log.info("closing.claim_lost", campaign_id=str(campaign.id))
    except asyncio.CancelledError:
        # Stopped on purpose: the next worker need not wait until the claim runs out.
        await asyncio.shield(_put_off(ctx, campaign, claim, timedelta()))
        raise
    except Exception as error:
        await _failed(ctx, campaign, claim, error)
    return True


async def _close(ctx: Context, campaign: Campaign, claim: UUID) -> None:
    secrets = await keys_of(ctx).open(campaign)
    state, version_id = await derivation.look(ctx, campaign.id)
    if state != "committed":
        document = await document_of(ctx, campaign, secrets)
        agreement = await figures_of(ctx, campaign, secrets)
        async with ctx.unit() as session:
            facts = await result.facts_of(session, campaign, agreement)
        files = await asyncio.to_thread(result.files_of, campaign, document, facts)
        try:
            async for paths in derivation.parent_paths(ctx, campaign.id):
                await _hold(ctx, campaign.id, claim)
                await derivation.keep(ctx, campaign.id, paths)
            for file in files:
                await _hold(ctx, campaign.id, claim)
                await derivation.put(ctx, campaign.id, file.path, file.media_type, file.content)
        except Problem as problem:
            # A commit that was cut off takes no more files: all of them are there, and it only wants to be repeated.
            if problem.code != "derivation-not-open":
                raise
        await _hold(ctx, campaign.id, claim)
        version_id = await derivation.commit(ctx, campaign.id, result.details_of(campaign, facts))
    async with ctx.unit() as session:
        held = await _locked(session, campaign.id, claim)
        await service.finish(session, held, version_id, ctx.clock.now())
    log.info("campaign.closed", campaign_id=str(campaign.id), version_id=str(version_id))


async def _locked(session: RuleSession, campaign_id: UUID, claim: UUID) -> Campaign:
    held = await campaigns.campaign(session, campaign_id, lock=True)
    if held is None or held.closing_claim != claim or held.state != "closing":
        raise ClaimLost
    return held


def _hold_of(ctx: Context) -> timedelta:
    assert isinstance(ctx.settings, AnnotationSettings)
    return timedelta(seconds=ctx.settings.closing_claim_s)


async def _hold(ctx: Context, campaign_id: UUID, claim: UUID) -> None:
    async with ctx.unit() as session:
        if not await repository.hold_closing(session, campaign_id, claim, ctx.clock.now() + _hold_of(ctx)):
            raise ClaimLost


async def _failed(ctx: Context, campaign: Campaign, claim: UUID, error: Exception) -> None:
    attempt = campaign.closing_attempts
    problem = error if isinstance(error, Problem) else None
    with contextlib.suppress(ClaimLost):
        if problem is not None and derivation.is_gone(problem):
            async with ctx.unit() as session:
                await service.withdraw(session, await _locked(session, campaign.id, claim))
            log.info("campaign.withdrawn", campaign_id=str(campaign.id))
            return
        away = is_passing(error) or isinstance(error, OSError) or (problem is not None and problem.status == 503)
        if attempt >= _ATTEMPTS and not away:
            log.exception("closing.failed", campaign_id=str(campaign.id), code=problem.code if problem else None)
            async with ctx.unit() as session:
                held = await _locked(session, campaign.id, claim)
                await service.reopen(session, held, problem.code if problem else "closing-failed")
            return
        code = problem.code if problem else type(error).__name__
        log.warning("closing.again", campaign_id=str(campaign.id), error=code, attempt=attempt)
        await _put_off(ctx, campaign, claim, timedelta(seconds=min(_LONGEST_PAUSE_S, 2**attempt)))


async def _put_off(ctx: Context, campaign: Campaign, claim: UUID, pause: timedelta) -> None:
    with contextlib.suppress(Exception):
        async with ctx.unit() as session:
            await repository.hold_closing(session, campaign.id, claim, ctx.clock.now() + pause)
