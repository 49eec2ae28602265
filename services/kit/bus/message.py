"""What goes over the bus, and what can go wrong with it."""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

MAX_BYTES = 1024 * 1024
"""Largest message: key, value and headers together, in bytes (the default of Kafka's brokers)."""

_NAME = re.compile(r"[A-Za-z0-9._-]{1,160}")


@dataclass(frozen=True, slots=True)
class Message:
    """A message to publish. Messages of one topic with the same key keep their order."""

    topic: str
    key: str
    value: bytes
    headers: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def size(self) -> int:
        """Bytes of key, value and headers."""
        headers = sum(len(name.encode()) + len(text.encode()) for name, text in self.headers.items())
        return len(self.key.encode()) + len(self.value) + headers


@dataclass(frozen=True, slots=True)
class Record:
    """A message as it lies in the log: `offset` counts from 0 in its partition, without gaps for readers."""

    topic: str
    partition: int
    offset: int
    key: str
    value: bytes
    headers: Mapping[str, str]
    appended_at: datetime


@dataclass(frozen=True, slots=True)
class ParkedKey:
    """A key whose messages wait in the dead-letter topic of a group since one of them failed repeatedly."""

    topic: str
    key: str
    error: str
    attempts: int
    letters: int
    """Messages that wait, the failed one first."""
    resuming: bool
    """A redrive was asked for and is not finished."""


Start = Literal["earliest", "latest"] | datetime
"""Where to begin: with the oldest message, after the newest, or with the first appended at or after an instant."""

Handler = Callable[[Record], Awaitable[None]]


class BusError(Exception):
    """Something is wrong with the bus or with what was given to it."""


class MessageTooLarge(BusError, ValueError):
    """A message exceeds `MAX_BYTES`; nothing of its batch was published."""

    def __init__(self, message: Message) -> None:
        super().__init__(f"a message of {message.size} bytes for {message.topic}; at most {MAX_BYTES} are taken")


class BusAway(BusError, ConnectionError):
    """The broker cannot be reached; what was to be published may or may not be there."""


class Later(Exception):
    """Raised by a handler that cannot work now (its database is away): the message is kept and tried again."""


def dead_letter_topic(group: str, topic: str) -> str:
    """Return the topic in which `group` parks messages of `topic`; it has as many partitions."""
    return f"{topic}.dead.{group}"


def check_name(name: str) -> str:
    """Return `name` if it can name a topic or a group (Kafka's legal characters); else ValueError."""
    if not _NAME.fullmatch(name):
        raise ValueError(f"not a name for a topic or group: {name!r}")
    return name
