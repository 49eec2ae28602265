"""The state folder and, apart from it, the folder of keys that belongs to it."""

import hashlib
import hmac
import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from services.kit.ids import new_id


@dataclass(frozen=True)
class State:
    """Where one factory keeps what it knows (`data`) and what opens it (`keys`, mode 0700, never inside `data`)."""

    data: Path
    keys: Path

    def secret(self, purpose: str) -> bytes:
        """Return 32 bytes for `purpose`, derived from the root secret in the key folder."""
        root = bytes.fromhex(read_or_make(self.keys / "root.secret", lambda: secrets.token_hex(32)))
        return hmac.new(root, purpose.encode(), hashlib.sha256).digest()


def default_keys_folder(state_id: str) -> Path:
    """Return `$XDG_DATA_HOME/datafactory/<state id>` (XDG Base Directory Specification)."""
    home = os.environ.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    return Path(home) / "datafactory" / state_id


def read_or_make(path: Path, make: Callable[[], str]) -> str:
    """Return the text of `path`; when absent, create it (mode 0600, once, whoever else tries) from `make()`."""
    try:
        return path.read_text().strip()
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(make())
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(temporary, path)
    except FileExistsError:
        pass
    finally:
        temporary.unlink()
    return path.read_text().strip()


def open_state(data: Path, keys_url: str = "") -> State:
    """Open (or begin) the state in folder `data`; keys lie where `keys_url` says, else in the user's data home."""
    data = data.absolute()
    data.mkdir(parents=True, exist_ok=True)
    state_id = read_or_make(data / "state-id", lambda: str(new_id()))
    keys = Path(keys_url.removeprefix("file://")) if keys_url.startswith("file://") else default_keys_folder(state_id)
    keys.mkdir(parents=True, exist_ok=True, mode=0o700)
    keys.chmod(0o700)
    if keys.is_relative_to(data):
        raise SystemExit(
            f"The key folder {keys} lies inside the data folder {data}: a copy of one would open the other."
        )
    return State(data=data, keys=keys)
