"""Key-encryption keys in OpenBao or HashiCorp Vault: the keys stay in the server, which encrypts for us.

HTTP API: https://openbao.org/api-docs/secret/transit/. Keys are of type `aes256-gcm96`, not exportable and not in plain
backups; the associated data goes along as `associated_data`.
"""

import asyncio
from base64 import b64decode, b64encode
from pathlib import Path
from typing import Any

import httpx

from services.kit.keys.port import KeyDestroyed, KeyStoreUnavailable, KeyUnknown, UnwrapFailed, check_key_id

DEADLINE_S = 5.0
ATTEMPTS = 2


class TransitKeyStore:
    """A transit mount. A destroyed key leaves an unused key `<key id>.destroyed` behind: the server itself forgets.

    The token is read anew from its file for each request, because agents renew it there. It needs `create`, `read`,
    `update` and `delete` on `<mount>/keys/*` and `update` on `<mount>/encrypt/*` and `<mount>/decrypt/*`.
    """

    def __init__(
        self, address: str, mount: str, token_file: Path, *, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self._token_file = token_file
        self._client = httpx.AsyncClient(
            base_url=f"{address}/v1/{mount}/", timeout=DEADLINE_S, transport=transport, trust_env=False
        )

    async def create(self, key_id: str) -> None:
        check_key_id(key_id)
        if await self._there(f"{key_id}.destroyed"):
            raise KeyDestroyed(key_id)
        await self._make(key_id)

    async def wrap(self, key_id: str, secret: bytes, aad: bytes) -> bytes:
        check_key_id(key_id)
        # Encrypting with a key that is not there makes one, where the token's policy allows it: ask first.
        await self._must_be_there(key_id)
        answer = await self._ask(
            "POST", f"encrypt/{key_id}", {"plaintext": _text(secret), "associated_data": _text(aad)}
        )
        if answer.status_code != 200:
            raise self._unavailable(answer)
        return str(_data(answer)["ciphertext"]).encode()

    async def unwrap(self, key_id: str, wrapped: bytes, aad: bytes) -> bytes:
        check_key_id(key_id)
        try:
            ciphertext = wrapped.decode("ascii")
        except UnicodeDecodeError:
            ciphertext = ""
        answer = await self._ask("POST", f"decrypt/{key_id}", {"ciphertext": ciphertext, "associated_data": _text(aad)})
        if answer.status_code == 200:
            return b64decode(str(_data(answer)["plaintext"]))
        if answer.status_code not in (400, 404):
            raise self._unavailable(answer)
        # 400 stands both for a key that is gone and for a ciphertext that does not open.
        await self._must_be_there(key_id)
        raise UnwrapFailed("the wrapped secret does not open")

    async def destroy(self, key_id: str) -> None:
        check_key_id(key_id)
        await self._make(f"{key_id}.destroyed")
        if not await self._there(key_id):
            return
        allowed = await self._ask("POST", f"keys/{key_id}/config", {"deletion_allowed": True})
        deleted = await self._ask("DELETE", f"keys/{key_id}")
        if await self._there(key_id):
            raise self._unavailable(deleted if allowed.is_success else allowed)

    async def exists(self, key_id: str) -> bool:
        return await self._there(check_key_id(key_id))

    async def check(self) -> None:
        await self._there("check")

    async def aclose(self) -> None:
        await self._client.aclose()

    async def _make(self, name: str) -> None:
        answer = await self._ask(
            "POST", f"keys/{name}", {"type": "aes256-gcm96", "exportable": False, "allow_plaintext_backup": False}
        )
        if not answer.is_success:
            raise self._unavailable(answer)

    async def _there(self, name: str) -> bool:
        answer = await self._ask("GET", f"keys/{name}")
        if answer.status_code not in (200, 404):
            raise self._unavailable(answer)
        return answer.status_code == 200

    async def _must_be_there(self, key_id: str) -> None:
        if not await self._there(key_id):
            raise (KeyDestroyed if await self._there(f"{key_id}.destroyed") else KeyUnknown)(key_id)

    async def _ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> httpx.Response:
        try:
            token = (await asyncio.to_thread(self._token_file.read_text)).strip()
        except OSError as error:
            raise KeyStoreUnavailable("the token of the key server cannot be read") from error
        headers = {"X-Vault-Token": token, "X-Vault-Request": "true"}
        for attempt in range(ATTEMPTS):
            try:
                answer = await self._client.request(method, path, json=body, headers=headers)
            except httpx.TransportError as error:
                # Every request may be repeated: making is idempotent, deleting too, wrapping twice harms nothing.
                if attempt == ATTEMPTS - 1:
                    raise KeyStoreUnavailable("the key server does not answer") from error
                continue
            if answer.status_code < 500 or attempt == ATTEMPTS - 1:
                return answer
        raise KeyStoreUnavailable("the key server does not answer")

    def _unavailable(self, answer: httpx.Response) -> KeyStoreUnavailable:
        return KeyStoreUnavailable(f"the key server answered {answer.status_code}")


def _text(data: bytes) -> str:
    return b64encode(data).decode()


def _data(answer: httpx.Response) -> dict[str, Any]:
    try:
        data: dict[str, Any] = answer.json()["data"]
    except (ValueError, KeyError, TypeError) as error:
        raise KeyStoreUnavailable("the key server gave an answer that is none") from error
    return data
