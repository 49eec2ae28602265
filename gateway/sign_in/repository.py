"""The only place that queries sign-ins."""

from datetime import datetime

from sqlalchemy import delete
from sqlmodel import col

from gateway.sign_in.models import CliCodeRow, SignInRow
from services.kit.db import RuleSession


async def take_sign_in(session: RuleSession, state_hash: bytes) -> SignInRow | None:
    """Remove and return the sign-in of a state: of two that come at once, one gets it."""
    statement = delete(SignInRow).where(col(SignInRow.state_hash) == state_hash).returning(SignInRow)
    return (await session.execute(statement)).scalar_one_or_none()


async def take_cli_code(session: RuleSession, code_hash: bytes) -> CliCodeRow | None:
    """Remove and return the program's code: of two that come at once, one gets it."""
    statement = delete(CliCodeRow).where(col(CliCodeRow.code_hash) == code_hash).returning(CliCodeRow)
    return (await session.execute(statement)).scalar_one_or_none()


async def remove_older(session: RuleSession, before: datetime) -> None:
    """Delete sign-ins and codes made before `before`."""
    await session.execute(delete(SignInRow).where(col(SignInRow.created_at) < before))
    await session.execute(delete(CliCodeRow).where(col(CliCodeRow.created_at) < before))
