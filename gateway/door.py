"""What the gateway's parts have at hand."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, cast
from urllib.parse import urlsplit

from fastapi import Depends, Request

from gateway.identity.provider import Provider
from gateway.sessions.factory_tokens import FactoryTokens
from gateway.settings import GatewaySettings
from gateway.sign_in.cookies import session_cookie_name
from gateway.upstream import Upstream
from services.kit.context import Context


@dataclass
class Door:
    """The one door: the services behind it, who it lets in, and what it remembers."""

    ctx: Context
    settings: GatewaySettings
    upstreams: Mapping[str, Upstream]
    provider: Provider
    tokens: FactoryTokens

    @property
    def public_url(self) -> str:
        """The address people reach the factory under, without a slash at the end."""
        return self.settings.public_url.rstrip("/")

    @property
    def public_host(self) -> str:
        """Host and port of the public address."""
        return urlsplit(self.public_url).netloc

    @property
    def session_cookie(self) -> str:
        """Name of the session cookie."""
        return session_cookie_name(self.public_url)


def door_of(request: Request) -> Door:
    """Return the door that handles `request`."""
    return cast(Door, request.app.state.door)


AtTheDoor = Annotated[Door, Depends(door_of)]
