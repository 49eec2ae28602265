"""Keys of datasets: made at the first run, opened for each, destroyed when the dataset is withdrawn."""

import hashlib
import hmac
from collections import OrderedDict
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import cast
from uuid import UUID

from services.deid.sources import repository
from services.deid.sources.models import DatasetKey
from services.kit.context import Context
from services.kit.crypto import DataKey, Sealer, bind
from services.kit.db import RuleSession
from services.kit.ids import new_id
from services.kit.keys import KeyDestroyed, KeyStore, KeyStoreUnavailable
from services.kit.problems import Problem, unavailable

_OPENED = 64


@dataclass(frozen=True)
class DatasetSecrets:
    """What belongs to one dataset's key, in memory for as long as it is used."""

    dataset_id: UUID
    key_id: UUID
    secret: bytes = field(repr=False)

    @cached_property
    def pseudonym(self) -> bytes:
        """32 bytes: the key of the HMAC behind pseudonyms and surrogates."""
        return self._derive(b"pseudonyms 1")

    def seal(self, plaintext: bytes, *row: str | UUID) -> bytes:
        """Seal a value of a row (named by `row`), readable only while the dataset's key exists."""
        return self._sealer.seal(plaintext, bind("deid", *row))

    def open(self, sealed: bytes, *row: str | UUID) -> bytes:
        """Return what `seal` sealed for the same row; DecryptionFailed otherwise."""
        return self._sealer.open(sealed, bind("deid", *row))

    @cached_property
    def _sealer(self) -> Sealer:
        return Sealer(self._derive(b"rows 1"))

    def _derive(self, purpose: bytes) -> bytes:
        return hmac.new(self.secret, b"datafactory deid " + purpose, hashlib.sha256).digest()


class DatasetKeys:
    """Makes and opens the keys of datasets. Keeps the last few that were opened."""

    def __init__(self, store: KeyStore) -> None:
        self.store = store
        self._opened: OrderedDict[UUID, tuple[bytes, DatasetSecrets]] = OrderedDict()

    async def make(self, session: RuleSession, dataset_id: UUID, now: datetime) -> DatasetSecrets:
        """Return a dataset's key, made at first use; 410 `dataset-withdrawn` once it is destroyed."""
        row = await repository.dataset_key(session, dataset_id)
        if row is None:
            name = _name(dataset_id)
            with _key_problems():
                await self.store.create(name)
                wrapped = await self.store.wrap(name, DataKey.generate().secret, _aad(dataset_id))
            row = await repository.add_dataset_key(session, dataset_id, new_id(), wrapped, now)
        return await self._secrets(row)

    async def open(self, session: RuleSession, dataset_id: UUID) -> DatasetSecrets:
        """Return what belongs to a dataset's key; 410 `dataset-withdrawn` when nothing opens it any more."""
        row = await repository.dataset_key(session, dataset_id)
        if row is None:
            raise Problem(410, "dataset-withdrawn")
        return await self._secrets(row)

    async def destroy(self, dataset_id: UUID) -> None:
        """Destroy a dataset's key for ever. May be repeated."""
        self._opened.pop(dataset_id, None)
        await self.store.destroy(_name(dataset_id))

    async def _secrets(self, row: DatasetKey) -> DatasetSecrets:
        if row.wrapped is None or row.erasure_requested_at is not None:
            self._opened.pop(row.dataset_id, None)
            raise Problem(410, "dataset-withdrawn")
        found = self._opened.get(row.dataset_id)
        if found is not None and found[0] == row.wrapped:
            self._opened.move_to_end(row.dataset_id)
            return found[1]
        with _key_problems():
            secret = await self.store.unwrap(_name(row.dataset_id), row.wrapped, _aad(row.dataset_id))
        secrets = DatasetSecrets(row.dataset_id, row.key_id, secret)
        self._opened[row.dataset_id] = (row.wrapped, secrets)
        while len(self._opened) > _OPENED:
            self._opened.popitem(last=False)
        return secrets


def _name(dataset_id: UUID) -> str:
    return f"pseudonyms-{dataset_id}"


def _aad(dataset_id: UUID) -> bytes:
    return bind("pseudonym-key", dataset_id)


@contextmanager
def _key_problems() -> Generator[None]:
    """Tell what the key store says as a problem."""
    try:
        yield
    except KeyDestroyed:
        raise Problem(410, "dataset-withdrawn") from None
    except KeyStoreUnavailable:
        raise unavailable("keys") from None


def keys_of(ctx: Context) -> DatasetKeys:
    """Return the service's keys of datasets."""
    return cast(DatasetKeys, ctx.components["dataset_keys"])
