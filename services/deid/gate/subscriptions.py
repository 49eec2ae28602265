"""Facts of the catalogue that empty reports and review queues."""

from typing import Any
from uuid import UUID

from services.deid.gate import repository
from services.kit.context import Context
from services.kit.inbox import Event, Subscription


async def dataset_withdrawn(ctx: Context, session: Any, event: Event) -> None:
    """What reports and queues show of the dataset's files goes; numbers, judgements and decisions stay."""
    await repository.forget_contents(session, UUID(event.subject))


SUBSCRIPTIONS = (
    Subscription(
        topic="factory.catalog.v1",
        group="deid-gate-withdrawals",
        handler=dataset_withdrawn,
        types=frozenset({"factory.catalog.dataset.withdrawn.v1"}),
    ),
)
