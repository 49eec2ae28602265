"""Who is signed in where: a file per factory and person in the user's configuration folder, readable by them alone."""

import json
import os
import re
import urllib.parse
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from datafactory.auth import ApiKey, ClientCredentials, Credentials, Session, StaticToken, Token
from datafactory.cli.language import say
from datafactory.errors import NotSignedIn
from datafactory.paths import config_home, write_private
from datafactory.signin import sign_in_as

MYSELF = "me"
"""The name under which a sign-in by browser is kept."""


@dataclass(frozen=True)
class Kept:
    """A kept session."""

    name: str
    session_token: str


def _slug(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9.-]", lambda found: f"_{ord(found[0]):x}_", text)


def _folder(base_url: str) -> Path:
    parts = urllib.parse.urlsplit(base_url)
    return config_home() / "sessions" / _slug(f"{parts.scheme}-{parts.netloc}{parts.path.rstrip('/')}")


def keep(base_url: str, name: str, session: Session, *, current: bool = True) -> Path:
    """Keep a session; `current` makes it the one used when no name is given."""
    path = _folder(base_url) / f"{_slug(name)}.json"
    document = {"base_url": base_url, "name": name, "session_token": session.session_token}
    write_private(path, json.dumps(document))
    if current:
        write_private(config_home() / "current.json", json.dumps({"base_url": base_url, "name": name}))
    return path


def kept(base_url: str, name: str | None) -> Kept | None:
    """Return the kept session of `name`, or of the last who signed in there, or None."""
    chosen = name or (current_name(base_url) or MYSELF)
    try:
        document: Any = json.loads((_folder(base_url) / f"{_slug(chosen)}.json").read_text(encoding="utf-8"))
        return Kept(str(document["name"]), str(document["session_token"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def drop(base_url: str, name: str | None) -> bool:
    """Forget a kept session; return whether there was one."""
    held = kept(base_url, name)
    if held is None:
        return False
    (_folder(base_url) / f"{_slug(held.name)}.json").unlink(missing_ok=True)
    return True


def _current() -> dict[str, str]:
    try:
        document: Any = json.loads((config_home() / "current.json").read_text(encoding="utf-8"))
        return {"base_url": str(document["base_url"]), "name": str(document["name"])}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def current_name(base_url: str) -> str | None:
    """Return who signed in last at this factory, if that was the last sign-in."""
    last = _current()
    return last["name"] if last.get("base_url") == base_url else None


def base_url_of(given: str | None) -> str:
    """Return the factory's address: as given, FACTORY_URL, of the checkout one stands in, or of the last sign-in."""
    if found := given or os.environ.get("FACTORY_URL"):
        return found.rstrip("/")
    here = Path.cwd()
    for folder in (here, *here.parents):
        address = folder / ".factory" / "address"
        if address.is_file() and (found := address.read_text(encoding="utf-8").strip()):
            return found.rstrip("/")
    if found := _current().get("base_url"):
        return found
    raise NotSignedIn(
        say(
            "which factory? give --url, set FACTORY_URL, or stand in a checkout with a running factory",
            "vilken fabrik? ange --url, sätt FACTORY_URL eller stå i ett utcheckat arkiv med en fabrik igång",
        )
    )


class Persona(Session):
    """The session of a persona, who signs in again when it has ended: a laptop's factory restarts often."""

    def __init__(self, base_url: str, name: str, session_token: str) -> None:
        super().__init__(session_token)
        self._base_url = base_url
        self._name = name

    def fetch(self, http: httpx.Client) -> Token:
        try:
            return super().fetch(http)
        except NotSignedIn:
            session = sign_in_as(self._base_url, self._name)
            keep(self._base_url, self._name, session, current=False)
            self.session_token = session.session_token
            return super().fetch(http)


def credentials_for(base_url: str, name: str | None) -> Credentials:
    """Return credentials: of `--as NAME` (signing in where needed), from the environment, or of the last sign-in."""
    environment = os.environ
    if name is None:
        if token := environment.get("FACTORY_TOKEN"):
            return StaticToken(token)
        if key := environment.get("FACTORY_API_KEY"):
            return ApiKey(key)
        if (client_id := environment.get("FACTORY_CLIENT_ID")) and (secret := environment.get("FACTORY_CLIENT_SECRET")):
            return ClientCredentials(client_id, secret)
    if held := kept(base_url, name):
        return Session(held.session_token) if held.name == MYSELF else Persona(base_url, held.name, held.session_token)
    if name is not None:
        session = sign_in_as(base_url, name)
        keep(base_url, name, session, current=False)
        return session
    raise NotSignedIn(say("you are not signed in", "du är inte inloggad"))
