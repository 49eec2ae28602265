"""Announces the first operator's one-time secret, once, when the factory starts without any operator."""

import asyncio
import os
import sys
from pathlib import Path
from typing import cast

from services.access.credentials import repository, rules
from services.access.identity import repository as identity
from services.access.settings import AccessSettings
from services.kit.context import Context
from services.kit.ids import new_secret


def write_secret(path: Path, secret: str) -> None:
    """Write the secret where only this user reads it; the file is whole or not there."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(secret + "\n")
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def forget_secret(path: Path | None) -> None:
    """Remove the file of a secret that has been redeemed."""
    if path is not None:
        path.unlink(missing_ok=True)


async def announce_operator_secret(ctx: Context, stop: asyncio.Event) -> None:
    """Make and announce the secret unless there is an operator; a secret that waits in its file stays as it is.

    It is announced before the transaction commits: a crash in between leaves an announcement of nothing, and the next
    start makes a new one. The other order could lose the only way in.
    """
    path = cast(AccessSettings, ctx.settings).operator_secret_file
    if path is not None and path.absolute().is_relative_to(ctx.settings.data_dir.absolute()):
        raise ValueError("FACTORY_OPERATOR_SECRET_FILE lies inside the data folder")
    async with ctx.unit() as session:
        row = await repository.operator_secret(session)
        if (row is not None and row.redeemed_at is not None) or await identity.operators(session):
            await asyncio.to_thread(forget_secret, path)
            return
        if row is not None and path is not None and await asyncio.to_thread(path.exists):
            return
        secret = new_secret()
        await repository.put_operator_secret(session, rules.digest(secret), ctx.clock.now())
        if path is not None:
            await asyncio.to_thread(write_secret, path, secret)
        else:
            sys.stderr.write(f"First operator: sign in and redeem this one-time secret: {secret}\n")
            sys.stderr.flush()
