"""Fills in what a laptop needs and nobody wants to set: PostgreSQL, bus, keys, secrets, the local identity provider."""

import hashlib
import hmac
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from pydantic import SecretStr

from services.composition.registry import DATABASES
from services.kit.embedded.postgres import EmbeddedPostgres
from services.kit.embedded.state import State, open_state
from services.kit.settings import Settings

S = TypeVar("S", bound=Settings)

BUS_DATABASE = "bus"


@dataclass
class Surroundings:
    """What stands around the services of one process: state, keys, PostgreSQL if it is ours, identity provider."""

    base: Settings
    state: State | None
    database_url: str
    bus_url: str
    issuer: str = ""
    client_secret: str = ""
    postgres: EmbeddedPostgres | None = None
    service_urls: dict[str, str] = field(default_factory=dict[str, str])

    def settings_for(self, kind: type[S], service: str, **more: Any) -> S:
        """Return the settings of `service`: the environment first, then these defaults."""
        settings = kind()
        given = settings.model_fields_set
        defaults: dict[str, Any] = {"database_url": self.database_url, "bus_url": self.bus_url, **more}
        if self.state is not None:
            root = self.state.secret("service-root")
            defaults |= {
                "keys_url": self.state.keys.as_uri(),
                "service_secret": SecretStr(hmac.new(root, f"service:{service}".encode(), hashlib.sha256).hexdigest()),
                "service_root_secret": SecretStr(root.hex()),
                "seal_key": SecretStr(self.state.secret(f"seal:{service}").hex()),
                "signing_keys_file": self.state.keys / "access-signing.jwks",
                "operator_secret_file": self.state.keys / "operator.secret",
            }
        if self.issuer:
            defaults |= {"oidc_issuer": self.issuer, "oidc_client_secret": SecretStr(self.client_secret)}
        if self.service_urls:
            defaults["service_urls"] = self.service_urls
        known = {name: value for name, value in defaults.items() if name in kind.model_fields and name not in given}
        return settings.model_copy(update=known)


async def surround(base: Settings) -> Surroundings:
    """Open the state and start PostgreSQL where the settings do not name another.

    In production nothing is made up: what is missing is named, and the process ends.
    """
    if base.environment == "production":
        missing = [
            f"FACTORY_{name.upper()}"
            for name in ("database_url", "bus_url", "keys_url", "service_secret", "seal_key")
            if not _given(base, name)
        ]
        if missing:
            raise SystemExit(f"Production takes nothing for granted; set {', '.join(missing)}.")
        return Surroundings(base, None, base.database_url, base.bus_url)
    state = open_state(base.data_dir, base.keys_url)
    if base.database_url and base.bus_url:
        return Surroundings(base, state, base.database_url, base.bus_url)
    postgres = EmbeddedPostgres(Path(state.data) / "postgres")
    postgres.start()
    await postgres.configure()
    for name in DATABASES:
        await postgres.ensure_database(name)
    await postgres.ensure_database(BUS_DATABASE)
    database_url = base.database_url or postgres.url("{service}", "{service}")
    bus_url = base.bus_url or f"pglog+{postgres.url(BUS_DATABASE, BUS_DATABASE)}"
    return Surroundings(base, state, database_url, bus_url, postgres=postgres)


def _given(settings: Settings, name: str) -> bool:
    value = getattr(settings, name)
    return bool(value.get_secret_value() if isinstance(value, SecretStr) else value)
