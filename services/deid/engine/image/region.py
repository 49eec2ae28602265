"""A face's place in a picture: a rectangle, turned as the face is turned."""

from dataclasses import dataclass, replace
from math import cos, radians, sin
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Region:
    """Centre, width and height in pixels, the turn in degrees (clockwise as the picture is seen), the detector's score.

    `width` runs across the face and `height` from forehead to chin, whichever way the face is turned.
    """

    x: float
    y: float
    width: float
    height: float
    angle: float = 0.0
    score: float = 1.0

    @property
    def size(self) -> float:
        """The side of a square as large, in pixels."""
        return (self.width * self.height) ** 0.5

    def grown(self, share: float) -> "Region":
        """Return the region with `share` of its width and height added on, half of it on each side."""
        return replace(self, width=self.width * (1 + share), height=self.height * (1 + share))

    def corners(self) -> "NDArray[np.float32]":
        """Return the four corners, 4 × (x, y)."""
        import numpy as np

        c, s = cos(radians(self.angle)), sin(radians(self.angle))
        half = [(-1, -1), (1, -1), (1, 1), (-1, 1)]
        points = [(a * self.width / 2, b * self.height / 2) for a, b in half]
        return np.array([(self.x + c * u - s * v, self.y + s * u + c * v) for u, v in points], dtype=np.float32)

    def bounds(self, width: int, height: int) -> tuple[int, int, int, int]:
        """Return the smallest upright box around it inside a picture of that size: x0, y0, x1, y1 (past the end)."""
        corners = self.corners()
        (left, top), (right, bottom) = corners.min(axis=0), corners.max(axis=0)
        x0, y0 = max(0, int(left)), max(0, int(top))
        return min(x0, width), min(y0, height), min(width, int(right) + 1), min(height, int(bottom) + 1)

    def holds(self, x: float, y: float) -> bool:
        """Whether a point lies in it."""
        c, s = cos(radians(self.angle)), sin(radians(self.angle))
        across, along = c * (x - self.x) + s * (y - self.y), -s * (x - self.x) + c * (y - self.y)
        return abs(across) <= self.width / 2 and abs(along) <= self.height / 2
