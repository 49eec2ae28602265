"""What a run did, added up once from its files when it has finished: numbers and codes, nothing from a file.

A report is read often and a run may have tens of thousands of files, so the sums are stored with the run. They name
files by number; whoever shows them opens the few names that are shown.
"""

import heapq
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from services.deid.engine.media import family_of
from services.deid.gate.population import Population
from services.deid.runs.repository import FileFacts

LISTED = 100
"""Tables and withheld files that a report names; the others are in the list of files."""
SAMPLED_FILES = 3
"""Files of each kind from which a report shows what a finding looked like and what became of it."""
_SAMPLED_KINDS = 40
_TABLE_FIGURES = ("k_min", "k_before", "unique_share", "rows_kept_share", "utility_loss")


def family(media_type: str | None) -> str:
    """Return the family of operators that looks into a media type; `other` for what none does."""
    return (family_of(media_type) if media_type else None) or "other"


class Figures:
    """Adds up the files of a run, one at a time, in bounded memory."""

    def __init__(self, seed: int) -> None:
        self.places = Population()
        self._rng = np.random.default_rng([seed, 1])
        self._files = {"total": 0, "treated": 0, "withheld": 0}
        self._families: dict[str, dict[str, int]] = {}
        self._found: dict[str, dict[str, int]] = {}
        self._reasons: dict[str, int] = {}
        self._withheld: list[int] = []
        self._tables = {"files": 0, "measured": 0, "without_people": 0}
        self._lowest: dict[str, int | None] = {"k_min": None, "k_before": None}
        self._worst: list[tuple[float, int, dict[str, Any]]] = []
        self._pictures: dict[str, Any] = {
            "files": 0, "faces_found": 0, "faces_treated": 0, "faces_filled": 0, "strength_least": None,
        }  # fmt: skip
        self._kinds: dict[str, tuple[int, list[int]]] = {}

    def add(self, file: FileFacts) -> None:
        """Count one file that is done."""
        of = family(file.media_type)
        counted = self._families.setdefault(of, {"files": 0, "withheld": 0})
        counted["files"] += 1
        self._files["total"] += 1
        self._files[file.state] = self._files.get(file.state, 0) + 1
        if file.state == "withheld":
            counted["withheld"] += 1
            self._reasons[str(file.reason)] = self._reasons.get(str(file.reason), 0) + 1
            if len(self._withheld) < LISTED:
                self._withheld.append(file.number)
            return
        for kind, numbers in file.counts.items():
            self._count(kind, numbers)
            if numbers.get("found", 0):
                self._sample(kind, file.number)
        self.places.add(file.number, of, file.totals)
        if of == "table":
            self._table(file)
        elif of == "image":
            self._picture(file)

    def _count(self, kind: str, numbers: Mapping[str, int]) -> None:
        sums = self._found.setdefault(kind, {"found": 0, "treated": 0})
        for name in sums:
            sums[name] += numbers.get(name, 0)

    def _sample(self, kind: str, number: int) -> None:
        """Keep a few files of each kind, each as likely as any other (reservoir sampling, algorithm R)."""
        if kind not in self._kinds and len(self._kinds) >= _SAMPLED_KINDS:
            return
        seen, kept = self._kinds.get(kind, (0, []))
        if seen < SAMPLED_FILES:
            kept.append(number)
        elif (place := int(self._rng.integers(0, seen + 1))) < SAMPLED_FILES:
            kept[place] = number
        self._kinds[kind] = (seen + 1, kept)

    def _table(self, file: FileFacts) -> None:
        self._tables["files"] += 1
        k = file.measures.get("k_min")
        self._tables["measured"] += k is not None
        # The recipe names the columns by which people are known, and this table has none of them.
        without_people = k is None and file.measures.get("people") is False
        self._tables["without_people"] += without_people
        for name, lowest in self._lowest.items():
            if (measured := file.measures.get(name)) is not None:
                self._lowest[name] = int(measured) if lowest is None else min(lowest, int(measured))
        shown = {name: file.measures.get(name) for name in _TABLE_FIGURES}
        # The worst are listed: those of unknown k, then those of the lowest.
        rank = math.inf if without_people else -1 if k is None else k
        entry = (-rank, -file.number, {"number": file.number, "without_people": without_people, **shown})
        if len(self._worst) < LISTED:
            heapq.heappush(self._worst, entry)
        else:
            heapq.heappushpop(self._worst, entry)

    def _picture(self, file: FileFacts) -> None:
        self._pictures["files"] += 1
        faces = file.counts.get("face", {})
        self._pictures["faces_found"] += faces.get("found", 0)
        self._pictures["faces_treated"] += faces.get("treated", 0)
        self._pictures["faces_filled"] += int(file.measures.get("faces_filled", 0))
        strength = file.measures.get("strength")
        if isinstance(strength, int | float):
            least = self._pictures["strength_least"]
            self._pictures["strength_least"] = strength if least is None else min(least, strength)

    def sampled_files(self) -> dict[str, list[int]]:
        """Return the files from which to show findings, by kind."""
        return {kind: sorted(numbers) for kind, (_, numbers) in sorted(self._kinds.items())}

    def document(self) -> dict[str, Any]:
        """Return the sums as JSON."""
        places: dict[str, dict[str, int]] = {"treated": {}, "untreated": {}}
        for (sort, of), total in self.places.totals().items():
            places[sort][of] = total
        worst = [entry for _, _, entry in sorted(self._worst, key=lambda kept: (-kept[0], -kept[1]))]
        return {
            "files": self._files,
            "families": dict(sorted(self._families.items())),
            "found": dict(sorted(self._found.items())),
            "untreated": sum(numbers["found"] - numbers["treated"] for numbers in self._found.values()),
            "withheld": {"by_reason": dict(sorted(self._reasons.items())), "first": self._withheld},
            "tables": {**self._tables, **self._lowest, "worst": worst},
            "pictures": self._pictures,
            "places": places,
        }
