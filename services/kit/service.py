"""What a service is: one object that says everything needed to run it alone or with the others."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter
from sqlalchemy import MetaData

from services.kit.context import Context
from services.kit.settings import Settings
from services.kit.texts import Texts

if TYPE_CHECKING:
    from services.kit.inbox import Subscription

Worker = Callable[[Context, asyncio.Event], Awaitable[None]]
"""Runs until the event is set. A worker that fails is started again, with growing pauses."""

ReadyCheck = Callable[[Context], Awaitable[None]]
"""Raises when what it checks is not ready."""

Components = Callable[[Context], AbstractAsyncContextManager[dict[str, Any]]]


@dataclass(frozen=True)
class Service:
    """Registering this in the composition root is all that is needed to run a service."""

    name: str
    title: str
    settings: type[Settings]
    metadata: MetaData
    migrations: Path
    routers: Sequence[APIRouter] = ()
    internal: Sequence[APIRouter] = ()
    subscriptions: Sequence[Subscription] = ()
    workers: Sequence[Worker] = ()
    texts: Texts = field(default_factory=dict)
    components: Components | None = None
    ready: dict[str, ReadyCheck] = field(default_factory=dict)
    asks: Sequence[str] = ()
    """Names of the services that this one asks over HTTP."""
