"""A circuit breaker: after some failures in a row, do not ask for a while, then let one question through."""

from collections.abc import Callable


class Breaker:
    """Closed (asks) → after `failures` in a row open (refuses) → after `rest_s` seconds one probe → closed or open.

    `monotonic` tells seconds on a clock that never goes back. Not thread-safe: it belongs to one event loop.
    """

    def __init__(self, monotonic: Callable[[], float], *, failures: int = 5, rest_s: float = 2.0) -> None:
        self._monotonic = monotonic
        self._limit = failures
        self._rest_s = rest_s
        self._failures = 0
        self._refuse_until = 0.0
        self._probing = False

    def lets_through(self) -> bool:
        """Return whether to ask now. A True while open is the one probe: report `succeeded`, `failed` or `dropped`."""
        if self._failures < self._limit:
            return True
        if self._probing or self._monotonic() < self._refuse_until:
            return False
        self._probing = True
        return True

    def succeeded(self) -> None:
        """Count an answer: closed again."""
        self._failures = 0
        self._probing = False

    def failed(self) -> None:
        """Count a failure: opens at the limit, and at once when it was the probe."""
        self._failures += 1
        self._probing = False
        if self._failures >= self._limit:
            self._refuse_until = self._monotonic() + self._rest_s

    def dropped(self) -> None:
        """The question was cancelled by its asker, which says nothing about the other side."""
        self._probing = False
