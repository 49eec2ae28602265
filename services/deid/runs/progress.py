"""How long a run will still take, learned from how long its files have taken so far.

A file's work is reckoned as its bytes and a fixed amount for having to be looked at at all; what a unit of work costs
is learned for each sort of file (lane) by itself, since a picture takes a hundred times as long as a text of its size.
"""

from collections.abc import Mapping

OVERHEAD_BYTES = 32 * 1024
"""What looking at a file costs beside its bytes, in bytes."""
_WEIGHT = 0.05
"""How much one more file moves what is believed of its lane, once there have been enough."""


class Estimate:
    """What is left of a run and what it costs. `waiting` is (files, bytes) by lane; `workers` how many share it."""

    def __init__(self, waiting: Mapping[str, tuple[int, int]], workers: int) -> None:
        self._left = {lane: float(size + files * OVERHEAD_BYTES) for lane, (files, size) in waiting.items()}
        self._cost: dict[str, float] = {}
        self._seen: dict[str, int] = {}
        self._workers = max(1, workers)
        self._busy_s = 0.0

    def done(self, lane: str, size: int, seconds: float) -> None:
        """A file of a lane took so many seconds of one worker."""
        units = size + OVERHEAD_BYTES
        self._left[lane] = max(0.0, self._left.get(lane, 0.0) - units)
        self._busy_s += seconds
        seen = self._seen[lane] = self._seen.get(lane, 0) + 1
        # The plain mean of the first files, then one that forgets.
        weight = max(_WEIGHT, 1 / seen)
        cost = seconds / units
        self._cost[lane] = self._cost.get(lane, cost) * (1 - weight) + cost * weight

    def seconds_left(self, elapsed_s: float) -> float | None:
        """Return the seconds that are left, `elapsed_s` after the work began; None before anything is known.

        The workers wait for files, too: how much of the time they really worked is measured and taken to go on.
        """
        if not self._cost:
            return None
        # Of a lane that has not been seen yet the dearest that has been is believed: better late than never true.
        unknown = max(self._cost.values())
        work_s = sum(left * self._cost.get(lane, unknown) for lane, left in self._left.items())
        at_once = min(float(self._workers), max(0.05, self._busy_s / elapsed_s)) if elapsed_s > 0 else 1.0
        return work_s / at_once
