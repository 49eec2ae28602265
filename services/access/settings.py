"""What can be set for access, beside what every service knows."""

from pathlib import Path

from pydantic import Field, SecretStr

from services.kit.settings import Settings


class AccessSettings(Settings):
    """Settings of access: who signs people in, where its signing keys lie, what proves a service."""

    oidc_issuer: str = Field(
        default="",
        description="Issuer of the OpenID Connect provider that signs people in, exactly as in its ID tokens. "
        "Empty: the local provider (laptop only).",
    )
    oidc_client_id: str = Field(
        default="datafactory", description="Client id of the factory at the provider; ID tokens must be made out to it."
    )
    signing_keys_file: Path | None = Field(
        default=None,
        description="File of private JSON Web Keys with which access signs tokens and permits; made at first start "
        "(mode 0600). Outside the data folder. Empty: in the key folder (local only).",
    )
    operator_secret_file: Path | None = Field(
        default=None,
        description="File in which the first operator's one-time secret waits to be redeemed (mode 0600, outside the "
        "data folder; removed at redemption). Empty: in the key folder (local), else one line on stderr.",
    )
    service_secrets: dict[str, SecretStr] = Field(
        default_factory=dict[str, SecretStr],
        description='Secrets of the services, as JSON: `{"catalog": "…"}`. One missing here needs the root secret.',
    )
    service_root_secret: SecretStr = Field(
        default=SecretStr(""),
        description="Hexadecimal root from which services' secrets are derived: HMAC-SHA256(root, `service:<name>`). "
        "Empty: derived from the root secret in the key folder (local only).",
    )
    policy_url: str = Field(
        default="wasm:",
        description="Policy engine: `wasm:` (in process) or `http(s)://host:port` (OPA with the same bundle).",
    )
