"""What was opened at the catalogue is given back, whatever happens in between."""

from datetime import timedelta
from uuid import UUID

import structlog

from services.deid.sources import repository
from services.deid.sources.catalogue import Derivation, Mode, Opened, open_derivation
from services.kit.context import Context
from services.kit.problems import Problem
from services.kit.tokens import Subject

log = structlog.get_logger("factory.deid")

_KEPT = timedelta(minutes=15)
"""How long a derivation that no run has taken over stays open: longer than any request."""
_AGAIN = timedelta(seconds=30)


async def borrow(ctx: Context, derivation_id: UUID, version_id: UUID, mode: Mode, user: Subject) -> Opened:
    """Open a version at the catalogue, having noted first that it must be given back (see `models.Loan`)."""
    async with ctx.unit() as session:
        await repository.borrow(session, derivation_id, ctx.clock.now() + _KEPT)
    try:
        return await open_derivation(ctx, derivation_id, version_id, mode, user)
    except Problem as problem:
        if problem.status < 500:
            # A refusal is an answer: nothing was opened.
            async with ctx.unit() as session:
                await repository.settle(session, derivation_id)
        raise


async def give_back(ctx: Context, derivation_id: UUID) -> bool:
    """Abandon a derivation and forget the loan; False when the catalogue does not answer (it is tried again)."""
    try:
        await Derivation(ctx, derivation_id).abandon()
    except Problem as problem:
        # Gone, withdrawn or committed meanwhile: nothing is left to give back.
        if problem.status >= 500:
            async with ctx.unit() as session:
                await repository.put_off(session, derivation_id, ctx.clock.now() + _AGAIN)
            log.warning("loan.put_off", derivation_id=str(derivation_id), code=problem.code)
            return False
    async with ctx.unit() as session:
        await repository.settle(session, derivation_id)
    return True


async def give_back_due(ctx: Context) -> int:
    """Give back everything that is due; return how much was."""
    async with ctx.unit() as session:
        due = await repository.due_loans(session, ctx.clock.now())
    return sum([await give_back(ctx, derivation_id) for derivation_id in due])
