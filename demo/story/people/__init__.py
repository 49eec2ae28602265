"""A donated folder about people: pictures, texts and a table, each with what a checker must know about it."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from . import pictures, table, writing
from .pictures import Portrait
from .table import Register
from .writing import Texts


@dataclass(frozen=True)
class People:
    """What was written, where, and what is known of it. `seed` is drawn for each run."""

    folder: Path
    seed: int
    portraits: list[Portrait]
    texts: Texts
    register: Register

    @property
    def planted(self) -> int:
        """How many identifiers were planted in texts and in the register's notes, and how many people it names."""
        return (
            sum(len(found) for found in self.texts.planted.values())
            + len(self.register.planted)
            + len(self.register.numbers)
        )


def write(folder: Path, seed: int) -> People:
    """Write the folder anew."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    texts = writing.write(folder, seed)
    return People(folder, seed, pictures.write(folder), texts, table.write(folder, seed))
