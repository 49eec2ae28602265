"""The keys of versions and datasets: made, opened for use, and what they are used for."""

import base64
import hashlib
import hmac
import json
from collections import OrderedDict
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, cast
from uuid import UUID

from services.catalog.datasets import repository
from services.catalog.datasets.models import DatasetSecret, VersionKey
from services.kit.context import Context
from services.kit.crypto import DataKey, Sealer, bind, unwrap, wrap
from services.kit.db import RuleSession
from services.kit.keys import KeyDestroyed, KeyRing, KeyStore, KeyStoreUnavailable, object_aad
from services.kit.problems import Problem, unavailable

_OPENED = 64


def blob_name(dataset_id: UUID, name: str) -> str:
    """Return where the store keeps the object `name` of a dataset."""
    return f"datasets/{dataset_id}/{name}"


@dataclass(frozen=True)
class Secrets:
    """What opens one version, in memory for as long as it is used."""

    dataset_id: UUID
    version_id: UUID
    key: DataKey = field(repr=False)
    naming: bytes = field(repr=False)

    def object_name(self, sha256: str) -> str:
        """Return the name of the object with this content (hex digest): a keyed hash, so that it tells nothing."""
        return hmac.new(self.naming, b"object\0" + bytes.fromhex(sha256), hashlib.sha256).hexdigest()

    def path_mark(self, compared_path: str) -> bytes:
        """Return a keyed hash of a path in the form in which paths are compared (NFC, case folded)."""
        return hmac.new(self.naming, b"path\0" + compared_path.encode("utf-8"), hashlib.sha256).digest()

    def object_aad(self, name: str) -> bytes:
        """The associated data of an object's ciphertext: it belongs to its dataset, whatever version lists it."""
        return bind("object", self.dataset_id, name)

    def object_key_aad(self, name: str) -> bytes:
        """The associated data of an object's wrapped data key: it belongs to the object in this version."""
        return object_aad(self.version_id, name)

    def wrap_object_key(self, name: str, key: DataKey) -> bytes:
        """Wrap an object's data key by the version's key."""
        return wrap(self.key, key, self.object_key_aad(name))

    def open_object_key(self, name: str, wrapped: bytes) -> DataKey:
        """Open what `wrap_object_key` made; DecryptionFailed otherwise."""
        return unwrap(self.key, wrapped, self.object_key_aad(name))

    @cached_property
    def _sealer(self) -> Sealer:
        # A key of its own: the version's key itself only wraps keys.
        return Sealer(hmac.new(self.key.secret, b"datafactory names 1", hashlib.sha256).digest())

    def seal(self, row: UUID | bytes, values: Mapping[str, Any]) -> bytes:
        """Seal a few values of a row (named by `row`), readable only while the version's key exists."""
        return self._sealer.seal(json.dumps(values, ensure_ascii=False).encode("utf-8"), bind("row", row))

    def unseal(self, row: UUID | bytes, sealed: bytes) -> dict[str, Any]:
        """Return what `seal` sealed."""
        return json.loads(self._sealer.open(sealed, bind("row", row)))


class Vault:
    """Makes and opens the keys of versions. Keeps the last few that were opened."""

    def __init__(self, store: KeyStore) -> None:
        self.store = store
        self._ring = KeyRing(store)
        self._opened: OrderedDict[UUID, tuple[bytes, Secrets]] = OrderedDict()

    async def plan(self, session: RuleSession, dataset_id: UUID, version_id: UUID, now: datetime) -> Secrets:
        """Make the keys of a new dataset and its first version, and remember them, wrapped."""
        with _key_problems():
            naming = DataKey.generate().secret
            await self.store.create(str(dataset_id))
            wrapped_naming = await self.store.wrap(str(dataset_id), naming, bind("dataset-secret", dataset_id))
        session.add(DatasetSecret(dataset_id=dataset_id, wrapped=wrapped_naming))
        return Secrets(dataset_id, version_id, await self._make(session, dataset_id, version_id, now), naming)

    async def plan_next(self, session: RuleSession, dataset_id: UUID, version_id: UUID, now: datetime) -> Secrets:
        """Make the key of a further version; 410 `key-destroyed` when nothing of the dataset is left."""
        secret = await repository.secret_of(session, dataset_id)
        if secret is None or secret.wrapped is None:
            raise Problem(410, "key-destroyed")
        with _key_problems():
            naming = await self.store.unwrap(str(dataset_id), secret.wrapped, bind("dataset-secret", dataset_id))
        return Secrets(dataset_id, version_id, await self._make(session, dataset_id, version_id, now), naming)

    async def _make(self, session: RuleSession, dataset_id: UUID, version_id: UUID, now: datetime) -> DataKey:
        with _key_problems():
            key, wrapped = await self._ring.make(version_id)
        session.add(VersionKey(version_id=version_id, dataset_id=dataset_id, wrapped=wrapped, created_at=now))
        return key

    async def open(self, session: RuleSession, version_id: UUID) -> Secrets:
        """Return what opens a version; 410 `key-destroyed` when nothing does any more."""
        key_row, secret_row = await repository.keys_of(session, version_id)
        if key_row is None or secret_row is None or key_row.wrapped is None or secret_row.wrapped is None:
            self._opened.pop(version_id, None)
            raise Problem(410, "key-destroyed")
        found = self._opened.get(version_id)
        if found is not None and found[0] == key_row.wrapped:
            self._opened.move_to_end(version_id)
            return found[1]
        dataset_id = key_row.dataset_id
        with _key_problems():
            key = await self._ring.open(version_id, key_row.wrapped)
            naming = await self.store.unwrap(str(dataset_id), secret_row.wrapped, bind("dataset-secret", dataset_id))
        secrets = Secrets(dataset_id, version_id, key, naming)
        self._opened[version_id] = (key_row.wrapped, secrets)
        while len(self._opened) > _OPENED:
            self._opened.popitem(last=False)
        return secrets

    async def destroy(self, version_id: UUID) -> None:
        """Destroy a version's key for ever."""
        self._opened.pop(version_id, None)
        await self._ring.destroy(version_id)

    async def destroy_secret(self, dataset_id: UUID) -> None:
        """Destroy the secret with which a dataset names its objects, when none of its versions is left."""
        await self.store.destroy(str(dataset_id))


@contextmanager
def _key_problems() -> Generator[None]:
    """Tell what the key store says as a problem."""
    try:
        yield
    except KeyDestroyed:
        raise Problem(410, "key-destroyed") from None
    except KeyStoreUnavailable:
        raise unavailable("keys") from None


def vault_of(ctx: Context) -> Vault:
    """Return the service's vault."""
    return cast(Vault, ctx.components["vault"])


def repr_digest(sha256: str) -> str:
    """Return a digest (hex) as a Repr-Digest field value (RFC 9530 §3)."""
    return f"sha-256=:{base64.b64encode(bytes.fromhex(sha256)).decode()}:"
