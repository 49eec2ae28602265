"""Makes one list of faces of what several looks at a picture found."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import hypot
from typing import TYPE_CHECKING

from services.deid.engine.image.passes import Hit, Pass, look
from services.deid.engine.image.region import Region

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SURE = 0.6
"""One hit of this score is a face by itself."""
LIKELY = 0.35
"""With this score, several looks must have seen it."""
SEVERAL = 5
"""Of some 25 looks: a true face of 24 pixels or more is seen by twice as many, whatever its turn, and things that look
like faces (wheels, cups, galaxies) by at most four."""
SMALL = 24.0
"""Pixels below which faces show at few scales only, so that less is asked: a needless cover is small, too."""
SMALL_SURE, SMALL_LIKELY, SMALL_SEVERAL = 0.5, 0.3, 2
UPRIGHT = 25.0
"""Degrees of turn up to which a face counts as standing in a view."""


@dataclass
class Face:
    """Hits that are one face, the best first."""

    hits: list[Hit]

    @property
    def score(self) -> float:
        """The best look's."""
        return self.hits[0].region.score

    @property
    def looks(self) -> int:
        """How many passes saw it."""
        return len({hit.seen_by for hit in self.hits})

    def is_likely(self) -> bool:
        """Whether the looks agree enough for a face."""
        small = self.hits[0].region.size < SMALL
        sure, likely, several = (SMALL_SURE, SMALL_LIKELY, SMALL_SEVERAL) if small else (SURE, LIKELY, SEVERAL)
        return self.score >= sure or (self.score >= likely and self.looks >= several)

    def region(self) -> Region:
        """Return where it is: as seen by the best of those looks in which it stood upright, as upright as may be.

        The highest score alone is a bad judge of that: CenterFace is often surest of a face that lies on its side.
        """
        upright = [hit for hit in self.hits if abs(hit.turn) <= UPRIGHT]
        return max(upright, key=lambda hit: hit.region.score - abs(hit.turn) / 90, default=self.hits[0]).region


def find_faces(view: "NDArray[np.uint8]", looks: Sequence[Pass]) -> list[Region]:
    """Return the faces of an RGB view, best first.

    With several looks, a face is what one of them is sure of or several of them see; with one look, what it sees.
    """
    found = together([hit for one in looks for hit in look(view, one)])
    return [face.region() for face in found if len(looks) == 1 or face.is_likely()]


def together(hits: Sequence[Hit]) -> list[Face]:
    """Put hits of the same face together, best first."""
    found: list[Face] = []
    for hit in sorted(hits, key=lambda each: -each.region.score):
        for face in found:
            if same_face(hit.region, face.hits[0].region):
                face.hits.append(hit)
                break
        else:
            found.append(Face([hit]))
    return found


def same_face(a: Region, b: Region) -> bool:
    """Whether two regions are one face: near each other for their size, and not of very different sizes."""
    larger, smaller = max(a.size, b.size), min(a.size, b.size)
    return hypot(a.x - b.x, a.y - b.y) < 0.5 * larger and larger < 2.5 * smaller
