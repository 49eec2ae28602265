"""Each campaign has a key of its own, under which lies all that it keeps of content; destroying it erases that."""

import hashlib
import hmac
from collections import OrderedDict
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import cast
from uuid import UUID

from services.annotation.campaigns.models import Campaign
from services.kit.context import Context
from services.kit.crypto import DataKey, Sealer, bind
from services.kit.keys import KeyDestroyed, KeyStore, KeyStoreUnavailable
from services.kit.problems import Problem, unavailable

_OPENED = 256


@dataclass(frozen=True)
class Secrets:
    """What opens one campaign's rows, in memory for as long as it is used."""

    campaign_id: UUID
    key: bytes = field(repr=False)

    def seal(self, plaintext: bytes, noun: str, row: UUID) -> bytes:
        """Seal a value of the row `row` of a `noun`, readable only while the campaign's key exists."""
        return self._sealer.seal(plaintext, bind(noun, row))

    def open(self, sealed: bytes, noun: str, row: UUID) -> bytes:
        """Return what `seal` sealed for the same row; DecryptionFailed otherwise."""
        return self._sealer.open(sealed, bind(noun, row))

    def path_mark(self, path: str) -> bytes:
        """Return the keyed hash by which a path (NFC) is found without being told."""
        return hmac.new(self._marks, path.encode("utf-8", "surrogatepass"), hashlib.sha256).digest()

    @cached_property
    def _sealer(self) -> Sealer:
        return Sealer(self._derive(b"rows 1"))

    @cached_property
    def _marks(self) -> bytes:
        return self._derive(b"paths 1")

    def _derive(self, purpose: bytes) -> bytes:
        return hmac.new(self.key, b"datafactory annotation " + purpose, hashlib.sha256).digest()


class CampaignKeys:
    """Makes, opens and destroys the keys of campaigns. Keeps the last few that were opened."""

    def __init__(self, store: KeyStore) -> None:
        self.store = store
        self._opened: OrderedDict[UUID, tuple[bytes, Secrets]] = OrderedDict()

    async def make(self, campaign_id: UUID) -> tuple[Secrets, bytes]:
        """Make a campaign's key; return it, and wrapped for the campaign's row."""
        key = DataKey.generate().secret
        with _key_problems():
            await self.store.create(_name(campaign_id))
            wrapped = await self.store.wrap(_name(campaign_id), key, _aad(campaign_id))
        return Secrets(campaign_id, key), wrapped

    async def open(self, campaign: Campaign) -> Secrets:
        """Return what opens a campaign's rows; 410 `campaign-withdrawn` when nothing does any more."""
        if campaign.wrapped_key is None or campaign.state == "withdrawn":
            self._opened.pop(campaign.id, None)
            raise Problem(410, "campaign-withdrawn")
        found = self._opened.get(campaign.id)
        if found is not None and found[0] == campaign.wrapped_key:
            self._opened.move_to_end(campaign.id)
            return found[1]
        with _key_problems():
            key = await self.store.unwrap(_name(campaign.id), campaign.wrapped_key, _aad(campaign.id))
        secrets = Secrets(campaign.id, key)
        self._opened[campaign.id] = (campaign.wrapped_key, secrets)
        while len(self._opened) > _OPENED:
            self._opened.popitem(last=False)
        return secrets

    async def destroy(self, campaign_id: UUID) -> None:
        """Destroy a campaign's key for ever. May be repeated."""
        self._opened.pop(campaign_id, None)
        await self.store.destroy(_name(campaign_id))


def _name(campaign_id: UUID) -> str:
    return f"campaign-{campaign_id}"


def _aad(campaign_id: UUID) -> bytes:
    return bind("campaign-key", campaign_id)


@contextmanager
def _key_problems() -> Generator[None]:
    """Tell what the key store says as a problem."""
    try:
        yield
    except KeyDestroyed:
        raise Problem(410, "campaign-withdrawn") from None
    except KeyStoreUnavailable:
        raise unavailable("keys") from None


def keys_of(ctx: Context) -> CampaignKeys:
    """Return the service's keys of campaigns."""
    return cast(CampaignKeys, ctx.components["campaign_keys"])
