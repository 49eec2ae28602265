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

SURE = 0.5
"""One hit of this score is a face by itself."""
LIKELY = 0.3
"""With this score a second look must have seen it, too."""
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

    def region(self) -> Region:
        """Return where it is: as seen by the best of those looks in which it stood upright.

        The highest score alone is a bad judge of that: CenterFace is often surest of a face that lies on its side.
        """
        upright = [hit.region for hit in self.hits if abs(hit.turn) <= UPRIGHT]
        return upright[0] if upright else self.hits[0].region


def find_faces(view: "NDArray[np.uint8]", looks: Sequence[Pass]) -> list[Region]:
    """Return the faces of an RGB view, best first.

    With several looks, a face is what one of them is sure of, or two of them see; with one look, what it sees.
    """
    found = together([hit for one in looks for hit in look(view, one)])
    if len(looks) > 1:
        found = [face for face in found if face.score >= SURE or (face.score >= LIKELY and face.looks > 1)]
    return [face.region() for face in found]


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
