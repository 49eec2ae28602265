"""Shapes of the sign-in API."""

from uuid import UUID

from pydantic import Field

from services.kit.schemas import Body, Instant, Resource


class SignedInUser(Resource):
    """Who is signed in. `id` is the user's id in the factory."""

    id: UUID
    name: str = Field(description="As the identity provider spells it.")


class SessionState(Resource):
    """Whether someone is signed in with this cookie, and what requests that change something must repeat."""

    signed_in: bool
    user: SignedInUser | None = None
    csrf_token: str | None = Field(
        default=None, description="Send it as X-CSRF-Token with every request that is not GET."
    )
    expires_at: Instant | None = None


class IssuedToken(Resource):
    """A bearer token for the API."""

    access_token: str
    token_type: str = "Bearer"  # noqa: S105 - RFC 6750's name of the scheme
    expires_in: int = Field(description="Seconds that the token still holds.")


class CliCode(Body):
    """What a program got in the redirect to its loopback port, and the secret behind its challenge."""

    code: str = Field(min_length=1, max_length=200)
    verifier: str = Field(min_length=43, max_length=128, description="PKCE verifier (RFC 7636 §4.1).")


class CliSession(IssuedToken):
    """A session for a program; its token is as secret as a password."""

    session_token: str = Field(description="Value of the session cookie, or bearer of POST /auth/token.")
    csrf_token: str


class SignedOut(Resource):
    """The session has ended here; `logout_url` ends the provider's own as well."""

    logout_url: str | None
