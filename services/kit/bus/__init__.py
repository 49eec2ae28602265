"""The event bus: facts between services, in order per key, at least once. `make_bus` opens one by URL."""

from services.kit.bus.bus import Bus
from services.kit.bus.message import (
    MAX_BYTES,
    BusAway,
    BusError,
    Handler,
    Later,
    Message,
    MessageTooLarge,
    ParkedKey,
    Record,
    Start,
)

__all__ = [
    "MAX_BYTES",
    "Bus",
    "BusAway",
    "BusError",
    "Handler",
    "Later",
    "Message",
    "MessageTooLarge",
    "ParkedKey",
    "Record",
    "Start",
    "make_bus",
]


def make_bus(url: str) -> Bus:
    """Return the bus at `url`: `pglog+postgresql+asyncpg://…` (PostgreSQL) or `kafka://host:port[,host:port]`.

    `?partitions=n` says how many partitions topics get that this process creates. Raises ValueError for another scheme.
    """
    scheme = url.split(":", 1)[0]
    if scheme.startswith("pglog+"):
        from services.kit.bus.postgres import PostgresLog

        return Bus(PostgresLog(url))
    if scheme == "kafka":
        from services.kit.bus.kafka import KafkaLog

        return Bus(KafkaLog(url))
    raise ValueError(f"no bus for the scheme {scheme!r}: use pglog+postgresql+asyncpg:// or kafka://")
