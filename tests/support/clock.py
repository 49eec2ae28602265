"""A clock that stands still until it is told to move."""

from datetime import UTC, datetime, timedelta


class ManualClock:
    """Starts at `now` (2026-03-02 09:00 UTC unless told) and moves by `advance`."""

    def __init__(self, now: datetime | None = None) -> None:
        self._now = now or datetime(2026, 3, 2, 9, 0, tzinfo=UTC)

    def now(self) -> datetime:
        return self._now

    def advance(self, **kwargs: float) -> None:
        """Move on by a timedelta's keywords: `advance(seconds=5)`."""
        self._now += timedelta(**kwargs)

    def set(self, now: datetime) -> None:
        self._now = now
