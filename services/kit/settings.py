"""What can be set from outside, as `FACTORY_…` environment variables. `docs/settings.md` is generated from here."""

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Settings that every service knows. A service adds its own in a subclass."""

    model_config = SettingsConfigDict(env_prefix="FACTORY_", extra="ignore")

    environment: Literal["local", "production"] = Field(
        default="local",
        description="`production` refuses what is fit only for a laptop: key files, the local identity provider.",
    )
    data_dir: Path = Field(default=Path(".factory"), description="Folder of all state but keys.")
    keys_url: str = Field(
        default="",
        description="Where key-encryption keys live: `file:///folder` (outside the data folder) or "
        "`transit+https://host/mount` (OpenBao, Vault). Empty: `$XDG_DATA_HOME/datafactory/<state id>/`.",
    )
    database_url: str = Field(
        default="",
        description="SQLAlchemy URL of the service's database; `{service}` is replaced by the service's name. "
        "Empty: the embedded PostgreSQL under the data folder.",
    )
    database_pool: int = Field(default=3, ge=1, le=50, description="Connections that a service keeps open.")
    database_overflow: int = Field(default=2, ge=0, le=50, description="Connections above the pool under load.")
    bus_url: str = Field(
        default="",
        description="Event bus: `pglog+postgresql+asyncpg://…` or `kafka://host:port`. Empty: the embedded log.",
    )
    service_urls: dict[str, str] = Field(
        default_factory=dict[str, str],
        description='Where the services are, as JSON: `{"access": "http://access:8000"}`. Missing: in this process.',
    )
    public_url: str = Field(
        default="http://127.0.0.1:8000", description="Address under which people reach the gateway."
    )
    host: str = Field(default="127.0.0.1", description="Address a process listens on.")
    port: int = Field(default=0, ge=0, le=65535, description="Port a process listens on; 0 takes a free one.")
    service_secret: SecretStr = Field(
        default=SecretStr(""),
        description="Secret with which this service gets its own token from access. "
        "Empty: derived from the root secret in the key folder (local only).",
    )
    seal_key: SecretStr = Field(
        default=SecretStr(""),
        description="64 hexadecimal digits: the key that seals sensitive columns of this service's database. "
        "Empty: derived from the root secret in the key folder (local only).",
    )
    log_format: Literal["json", "console"] = Field(default="json", description="How log lines are written.")
    log_level: str = Field(default="INFO", description="Least severe level that is written.")
    otlp_endpoint: str = Field(default="", description="OTLP/HTTP collector for traces. Empty: none are sent.")
    lease_poll_s: float = Field(
        default=2.0, gt=0, le=10, description="Seconds between two questions about what may go on."
    )
    lease_silence_s: float = Field(
        default=8.0, gt=0, le=60, description="Seconds without an answer after which work stops."
    )
    upload_max_bytes: int = Field(
        default=200 * 1024**3,
        ge=1,
        description="Largest single upload that the gateway and the catalogue take, in bytes.",
    )
