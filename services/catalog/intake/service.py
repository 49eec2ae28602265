"""What intake keeps for the whole process: the spool and its keys, and a bell for the workers."""

import asyncio
from collections import OrderedDict
from typing import cast
from uuid import UUID

from services.catalog.datasets.vault import Vault
from services.catalog.intake import repository
from services.catalog.intake.spool import EncryptedSpool
from services.kit.context import Context
from services.kit.problems import Problem

_KEPT = 4096


class SpoolKeys:
    """Gives the spool the key of each upload; it lies sealed in the upload's row, and the last few here."""

    def __init__(self, ctx: Context, vault: Vault) -> None:
        self._ctx = ctx
        self._vault = vault
        self._kept: OrderedDict[str, bytes] = OrderedDict()

    def learn(self, upload_id: UUID, key: bytes) -> None:
        """Remember the key of an upload whose row was just read."""
        self._kept[str(upload_id)] = key
        self._kept.move_to_end(str(upload_id))
        while len(self._kept) > _KEPT:
            self._kept.popitem(last=False)

    def forget(self, upload_id: UUID) -> None:
        """Drop the key of an upload whose bytes are gone."""
        self._kept.pop(str(upload_id), None)

    async def __call__(self, uid: str) -> bytes:
        """Return the key of upload `uid`; LookupError when there is none (any more)."""
        key = self._kept.get(uid)
        if key is not None:
            return key
        async with self._ctx.unit() as session:
            found = await repository.upload(session, UUID(uid))
            if found is None:
                raise LookupError("no such upload")
            upload, donation = found
            try:
                secrets = await self._vault.open(session, donation.version_id)
            except Problem as problem:
                raise LookupError("its key is destroyed") from problem
        key = bytes.fromhex(secrets.unseal(upload.id, upload.sealed)["spool_key"])
        self.learn(upload.id, key)
        return key


def spool_of(ctx: Context) -> EncryptedSpool:
    """Return the service's spool."""
    return cast(EncryptedSpool, ctx.components["spool"])


def spool_keys_of(ctx: Context) -> SpoolKeys:
    """Return the keys of the spool."""
    return cast(SpoolKeys, ctx.components["spool_keys"])


def bell_of(ctx: Context) -> asyncio.Event:
    """Return what wakes the ingest workers of this process."""
    return cast(asyncio.Event, ctx.components["ingest_bell"])


async def drop_spooled(ctx: Context, upload_id: UUID) -> None:
    """Delete an upload's bytes from the spool."""
    await spool_of(ctx).delete(str(upload_id))
    spool_keys_of(ctx).forget(upload_id)
