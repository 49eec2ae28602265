"""What can be set of the gateway from outside."""

from pydantic import Field, SecretStr

from services.kit.settings import Settings


class GatewaySettings(Settings):
    """Settings of the one door."""

    oidc_issuer: str = Field(
        "", description="Issuer URL of the OpenID provider. Empty: the local provider, on a laptop only."
    )
    oidc_client_id: str = Field("datafactory", description="Client id of the factory at the OpenID provider.")
    oidc_client_secret: SecretStr = Field(
        SecretStr(""), description="Client secret at the OpenID provider. Empty: a public client, with PKCE alone."
    )
    oidc_scopes: str = Field("openid profile email", description="Scopes asked for at sign-in.")
    session_idle_s: int = Field(2 * 3600, ge=60, description="Seconds without a request after which a session ends.")
    session_absolute_s: int = Field(12 * 3600, ge=60, description="Seconds after which a session ends in any case.")
    rate_reads: int = Field(6000, ge=1, description="Reads (GET, HEAD) a minute for one person or address.")
    rate_writes: int = Field(6000, ge=1, description="Writes a minute for one person or address.")
    rate_sign_ins: int = Field(600, ge=1, description="Sign-ins and token exchanges a minute for one address.")
    json_max_bytes: int = Field(
        1024**2, ge=1024, description="Largest request body, in bytes, where it is not an upload."
    )
    annotation_max_bytes: int = Field(
        32 * 1024**2, ge=1024, description="Largest file of annotations, or marks of one item, in bytes."
    )
    trusted_proxies: list[str] = Field(
        default_factory=list[str],
        description='Networks of reverse proxies whose X-Forwarded-For is believed, as JSON: `["10.0.0.0/8"]`.',
    )
    cors_origins: list[str] = Field(
        default_factory=list[str],
        description="Web origins that may call the API from a browser with a bearer token. Empty: none.",
    )
    upstream_connect_s: float = Field(3.0, gt=0, description="Seconds in which a service must take a connection.")
    upstream_first_byte_s: float = Field(
        30.0, gt=0, description="Seconds in which a service must begin its answer, once it has the whole request."
    )
    upstream_idle_s: float = Field(
        120.0, gt=0, description="Seconds without a byte after which a request's body is given up."
    )
