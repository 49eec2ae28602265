"""Shapes of credentials over HTTP. A secret is in the answer that creates it and nowhere else."""

from uuid import UUID

from pydantic import Field

from services.kit.schemas import Body, Instant, Resource
from services.kit.text import Name


class ApiKeyIn(Body):
    """A new key."""

    name: Name = Field(examples=["nightly export"])
    expires_at: Instant = Field(description="When it stops working; at most 366 days from now.")


class ApiKeyOut(Resource):
    """A key, without the key itself."""

    id: UUID
    name: str
    prefix: str = Field(description="How the key begins, to tell keys apart.")
    created_at: Instant
    expires_at: Instant
    last_used_at: Instant | None
    revoked_at: Instant | None


class ApiKeyMade(ApiKeyOut):
    """A new key. `key` is shown this once."""

    key: str


class ClientIn(Body):
    """A partner's system."""

    partner_id: UUID
    name: Name = Field(examples=["research portal"])


class ClientOut(Resource):
    """A client, without its secret."""

    client_id: UUID
    partner_id: UUID
    user_id: UUID = Field(description="The service account as which the client acts; roles are given to it.")
    name: str
    created_at: Instant
    last_used_at: Instant | None
    revoked_at: Instant | None


class ClientMade(ClientOut):
    """A new client. `client_secret` is shown this once."""

    client_secret: str


class OperatorSecretIn(Body):
    """The one-time secret that was announced at the factory's first start."""

    secret: str = Field(min_length=1, max_length=200)
