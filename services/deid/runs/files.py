"""A file under treatment, and what became of it."""

from dataclasses import dataclass

from services.deid.pool.shapes import Outcome
from services.deid.runs.models import RunFile
from services.deid.runs.sealing import Names

MOST_ATTEMPTS = 10
"""So often something else fails over a file, with pauses that grow to a minute, before it is withheld."""


@dataclass
class File:
    """A file under treatment. `again`: it was put off once, and this is its last chance."""

    row: RunFile
    names: Names
    deaths: int = 0
    again: bool = False

    @property
    def number(self) -> int:
        """Its number in the run."""
        return self.row.number


@dataclass
class Done:
    """What became of a file. `handed_in`: the catalogue has the result already."""

    file: File
    outcome: Outcome
    handed_in: bool = False


def withheld(reason: str) -> Outcome:
    """Return the outcome of a file that was not even looked at."""
    return Outcome("application/octet-stream", withheld=reason)
