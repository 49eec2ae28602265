"""The key store: a port, and files or a transit engine (OpenBao, Vault) behind it, chosen by URL."""

from pathlib import Path
from typing import Literal
from urllib.parse import parse_qs, unquote, urlsplit

from services.kit.keys.file import FileKeyStore
from services.kit.keys.port import (
    KeyDestroyed,
    KeyIdRefused,
    KeyStore,
    KeyStoreError,
    KeyStoreRefused,
    KeyStoreUnavailable,
    KeyUnknown,
    UnwrapFailed,
)
from services.kit.keys.ring import KeyRing, object_aad, version_aad
from services.kit.keys.transit import TransitKeyStore

__all__ = [
    "FileKeyStore",
    "KeyDestroyed",
    "KeyIdRefused",
    "KeyRing",
    "KeyStore",
    "KeyStoreError",
    "KeyStoreRefused",
    "KeyStoreUnavailable",
    "KeyUnknown",
    "TransitKeyStore",
    "UnwrapFailed",
    "make_key_store",
    "object_aad",
    "version_aad",
]

LOOPBACK = ("127.0.0.1", "::1", "localhost")


def make_key_store(url: str, environment: Literal["local", "production"], data_dir: Path) -> KeyStore:
    """Return the key store at `url`; in `production`, not one of files.

    `file:///folder` · `transit+https://host:port/mount?token_file=/run/secrets/token` (`transit+http` for a server on
    this machine). Raises KeyStoreRefused for what must not be used, ValueError for a URL that names no store.
    """
    parts = urlsplit(url)
    if parts.scheme == "file":
        if environment == "production":
            raise KeyStoreRefused("production does not keep keys in files: use transit+https://host/mount")
        if parts.netloc not in ("", "localhost") or not parts.path.strip("/"):
            raise ValueError("a folder of keys is given as file:///absolute/path")
        return FileKeyStore(Path(unquote(parts.path)), data_dir=data_dir)
    if parts.scheme in ("transit+https", "transit+http"):
        scheme = parts.scheme.removeprefix("transit+")
        if scheme == "http" and (environment == "production" or parts.hostname not in LOOPBACK):
            raise KeyStoreRefused("keys do not travel over http: use transit+https")
        mount, query = parts.path.strip("/"), parse_qs(parts.query)
        if not parts.hostname or parts.username or not mount or set(query) != {"token_file"}:
            raise ValueError("a key server is given as transit+https://host/mount?token_file=/absolute/path")
        return TransitKeyStore(f"{scheme}://{parts.netloc}", mount, Path(query["token_file"][0]))
    raise ValueError(f"no key store has URLs of the scheme {parts.scheme!r}")
