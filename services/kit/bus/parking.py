"""Which keys are parked: a fold over the records of a dead-letter partition, so that every broker keeps the same books.

A dead-letter partition holds, in order: *letters* (the failed message and, behind it, every later one of its key),
*resume* orders, and what became of them: *settled* up to an offset, or *stuck* again. Folding a record twice, or one
that is known already, changes nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from services.kit.bus.message import Message, ParkedKey, Record, dead_letter_topic

KIND = "dead-kind"
LETTER, RESUME, SETTLED, STUCK = "letter", "resume", "settled", "stuck"
_OFFSET, _ERROR, _ATTEMPTS, _APPENDED = "dead-offset", "dead-error", "dead-attempts", "dead-appended-at"
_ERROR_LENGTH = 2000


@dataclass
class _Key:
    error: str
    attempts: int
    letters: list[Record] = field(default_factory=list[Record])
    resuming: bool = False


class ParkingLot:
    """The parked keys of one partition of `topic`, for one group."""

    def __init__(self, group: str, topic: str, partition: int) -> None:
        self.topic = topic
        self.partition = partition
        self._dead = dead_letter_topic(group, topic)
        self._keys: dict[str, _Key] = {}

    def __contains__(self, key: str) -> bool:
        return key in self._keys

    def __len__(self) -> int:
        return len(self._keys)

    def __iter__(self) -> Iterator[ParkedKey]:
        for name, key in self._keys.items():
            yield ParkedKey(self.topic, name, key.error, key.attempts, len(key.letters), key.resuming)

    def resuming(self) -> list[str]:
        """Return the keys for which a redrive was asked."""
        return [name for name, key in self._keys.items() if key.resuming]

    def first(self, key: str) -> Record | None:
        """Return the first waiting message of `key` as it was in its own topic."""
        entry = self._keys.get(key)
        return entry.letters[0] if entry else None

    def knows(self, record: Record) -> bool:
        """Whether `record` waits here already (it is delivered again after a crash)."""
        entry = self._keys.get(record.key)
        return entry is not None and record.offset <= entry.letters[-1].offset

    def letter(self, record: Record, error: str = "", attempts: int = 0) -> Message:
        """Return the message that parks `record`; `error` says why, and is empty for what only waits behind another."""
        headers = {
            **record.headers,
            KIND: LETTER,
            _OFFSET: str(record.offset),
            _ERROR: error[:_ERROR_LENGTH],
            _ATTEMPTS: str(attempts),
            _APPENDED: record.appended_at.isoformat(),
        }
        return Message(self._dead, record.key, record.value, headers)

    def resume(self, key: str) -> Message:
        """Return the order to try `key` again."""
        return Message(self._dead, key, b"", {KIND: RESUME})

    def settled(self, record: Record) -> Message:
        """Return the message that says that `record` is done."""
        return Message(self._dead, record.key, b"", {KIND: SETTLED, _OFFSET: str(record.offset)})

    def stuck(self, record: Record, error: str, attempts: int) -> Message:
        """Return the message that says that `record` failed again."""
        headers = {
            KIND: STUCK,
            _OFFSET: str(record.offset),
            _ERROR: error[:_ERROR_LENGTH],
            _ATTEMPTS: str(attempts),
        }
        return Message(self._dead, record.key, b"", headers)

    def fold(self, entry: Record | Message) -> None:
        """Take in what lies, or has just been put, in the dead-letter partition."""
        headers = entry.headers
        key = self._keys.get(entry.key)
        match headers.get(KIND):
            case "letter":
                self._fold_letter(entry, key)
            case "resume" if key is not None:
                key.resuming = True
            case "settled" if key is not None:
                done = int(headers[_OFFSET])
                key.letters = [letter for letter in key.letters if letter.offset > done]
                if not key.letters:
                    del self._keys[entry.key]
            case "stuck" if key is not None and key.letters[0].offset == int(headers[_OFFSET]):
                key.resuming = False
                key.error = headers[_ERROR]
                key.attempts = int(headers[_ATTEMPTS])
            case _:
                pass

    def _fold_letter(self, entry: Record | Message, key: _Key | None) -> None:
        headers = entry.headers
        letter = Record(
            topic=self.topic,
            partition=self.partition,
            offset=int(headers[_OFFSET]),
            key=entry.key,
            value=entry.value,
            headers={name: text for name, text in headers.items() if not name.startswith("dead-")},
            appended_at=datetime.fromisoformat(headers[_APPENDED]),
        )
        if key is None:
            key = self._keys[entry.key] = _Key(headers[_ERROR], int(headers[_ATTEMPTS]))
        if not key.letters or letter.offset > key.letters[-1].offset:
            key.letters.append(letter)
