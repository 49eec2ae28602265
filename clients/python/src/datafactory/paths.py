"""Where this program keeps things on the user's computer, by the XDG base directory specification."""

import os
from pathlib import Path


def config_home() -> Path:
    """Return the folder for credentials (`$XDG_CONFIG_HOME/datafactory`)."""
    return _home("XDG_CONFIG_HOME", ".config")


def state_home() -> Path:
    """Return the folder for what lets interrupted work go on (`$XDG_STATE_HOME/datafactory`)."""
    return _home("XDG_STATE_HOME", ".local/state")


def _home(variable: str, default: str) -> Path:
    set_to = os.environ.get(variable)
    # The specification says to ignore relative values.
    base = Path(set_to) if set_to and Path(set_to).is_absolute() else Path.home() / default
    return base / "datafactory"


def write_private(path: Path, text: str) -> None:
    """Write `text` to `path` at once, readable by this user only (0600), never half."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.new")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(unfinished, path)
