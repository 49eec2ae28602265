"""Runs two things in turn, A B A B …, and says how one stands to the other."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

ROUNDS = 5


@dataclass(frozen=True)
class Ratio:
    """`ours` against `peer`: medians of rates (per second) and of the ratios pair by pair."""

    name: str
    unit: str
    ours: float
    peer: float
    ratio: float
    lowest: float
    highest: float

    def line(self) -> str:
        """Return the result as one readable line."""
        return (
            f"{self.name:44} {self.ours:10,.0f} {self.unit:14} peer {self.peer:10,.0f}"
            f"   ratio {self.ratio:5.2f}  ({self.lowest:.2f}–{self.highest:.2f})"
        )


def rate(act: Callable[[], float]) -> float:
    """Return how much `act` does in a second; it returns how much it did."""
    started = time.perf_counter()
    done = act()
    return done / (time.perf_counter() - started)


def compare(name: str, unit: str, ours: Callable[[], float], peer: Callable[[], float], rounds: int = ROUNDS) -> Ratio:
    """Warm both up, then measure them in turn, and return the medians."""
    ours()
    peer()
    pairs = [(rate(ours), rate(peer)) for _ in range(rounds)]
    ratios = sorted(a / b for a, b in pairs)
    return Ratio(
        name,
        unit,
        statistics.median(a for a, _ in pairs),
        statistics.median(b for _, b in pairs),
        statistics.median(ratios),
        ratios[0],
        ratios[-1],
    )
