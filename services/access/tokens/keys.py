"""The keys with which access signs: one kind for tokens, one for permits, so that neither passes for the other."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from joserfc.jwk import OKPKey

from services.kit.clock import Clock
from services.kit.embedded.state import read_or_make
from services.kit.tokens import Signer

_KINDS = ("token", "permit")


@dataclass(frozen=True)
class SigningKeys:
    """Signers, and the public key set that everyone verifies with."""

    token_signer: Signer
    permit_signer: Signer
    jwks: dict[str, Any]


def make_keys() -> str:
    """Return a new private key set as JSON: an Ed25519 key (RFC 8037) of each kind, named by its thumbprint."""
    keys: list[dict[str, Any]] = []
    for kind in _KINDS:
        key = OKPKey.generate_key("Ed25519", private=True)
        keys.append({**key.as_dict(private=True), "kid": f"{kind}-{key.thumbprint()[:16]}", "use": "sig"})
    return json.dumps({"keys": keys}, indent=1)


def load_keys(path: Path, clock: Clock, *, data_dir: Path) -> SigningKeys:
    """Return the keys in `path`, made there at first start. The first key of each kind signs; all of them verify.

    Raises ValueError when the file lies in the data folder, is open to other users, or lacks a kind.
    """
    path = path.absolute()
    if path.is_relative_to(data_dir.absolute()):
        raise ValueError("FACTORY_SIGNING_KEYS_FILE lies inside the data folder")
    document = json.loads(read_or_make(path, make_keys))
    if path.stat().st_mode & 0o007:
        raise ValueError("FACTORY_SIGNING_KEYS_FILE can be read by every user of this machine")
    keys = [OKPKey.import_key(entry) for entry in document["keys"]]
    signers: dict[str, Signer] = {}
    for kind in _KINDS:
        first = next((key for key in keys if (key.kid or "").startswith(f"{kind}-")), None)
        if first is None or not first.is_private or first.curve_name != "Ed25519":
            raise ValueError(f"FACTORY_SIGNING_KEYS_FILE holds no private Ed25519 key named {kind}-…")
        signers[kind] = Signer(first, first.kid or "", clock)
    public = [{**key.as_dict(private=False), "alg": "Ed25519", "use": "sig"} for key in keys]
    return SigningKeys(signers["token"], signers["permit"], {"keys": public})
