"""Facts of the catalogue that end runs."""

from typing import Any
from uuid import UUID

from services.deid.runs import rules
from services.kit.context import Context
from services.kit.inbox import Event, Subscription


async def dataset_withdrawn(ctx: Context, session: Any, event: Event) -> None:
    """The dataset's runs stop, its key is destroyed, and what runs remember of its files goes."""
    await rules.withdraw(session, UUID(event.subject), ctx.clock.now())


SUBSCRIPTIONS = (
    Subscription(
        topic="factory.catalog.v1",
        group="deid-withdrawals",
        handler=dataset_withdrawn,
        types=frozenset({"factory.catalog.dataset.withdrawn.v1"}),
    ),
)
