"""The committed bundle, read whole and held against its hashes before it is law."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from services.access.decisions.engine.port import EngineUnavailable
from services.access.policies import BUNDLE


@dataclass(frozen=True, slots=True)
class Bundle:
    """`wasm` is the compiled law, `revision` the SHA-256 (hex) of the sources it was compiled from."""

    wasm: bytes
    revision: str


def read_bundle(folder: Path = BUNDLE) -> Bundle:
    """Return the bundle. Raises EngineUnavailable when a file is missing or not the one its hash names."""
    try:
        wasm = (folder / "policy.wasm").read_bytes()
        said = (folder / "policy.wasm.sha256").read_text(encoding="ascii").split()
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        revision, wasm_sha256 = manifest["revision"], manifest["wasm_sha256"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise EngineUnavailable("the committed policy bundle is incomplete") from error
    digest = hashlib.sha256(wasm).hexdigest()
    if said[:1] != [digest] or wasm_sha256 != digest or not isinstance(revision, str):
        raise EngineUnavailable("the committed policy bundle is not the one its hash names")
    return Bundle(wasm, revision)
