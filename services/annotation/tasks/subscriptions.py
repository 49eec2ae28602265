"""Facts that may end a task: they only make the next question come sooner."""

from typing import Any

from services.kit.context import Context
from services.kit.inbox import Event, Subscription
from services.kit.leases import keeper_of


async def ask_now(ctx: Context, session: Any, event: Event) -> None:
    """Ask again, at once, what is still live."""
    keeper_of(ctx).poke()


SUBSCRIPTIONS = (
    Subscription(
        topic="factory.access.v1",
        group="annotation-leases-access",
        handler=ask_now,
        broadcast=True,
        types=frozenset(
            {
                "factory.access.grant.revoked.v1",
                "factory.access.grant.expired.v1",
                "factory.access.member.removed.v1",
                "factory.access.partner.suspended.v1",
                "factory.access.project.closed.v1",
                "factory.access.completion.expired.v1",
            }
        ),
    ),
    Subscription(
        topic="factory.catalog.v1",
        group="annotation-leases-catalog",
        handler=ask_now,
        broadcast=True,
        types=frozenset({"factory.catalog.dataset.withdrawn.v1", "factory.catalog.key.destroyed.v1"}),
    ),
)
