"""A look at a whole picture, turned and scaled, and which looks there are.

CenterFace knows upright faces from about 10 to some 500 pixels of what it is shown, and loses them beyond 20° of turn,
the small ones first. A ladder of scales by 2 and turns by 30° leaves no face further than 15° and a factor of 1.4 from
what it knows.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING, Any

from services.deid.engine.image.detector import STRIDE, detect
from services.deid.engine.image.operators import Profile
from services.deid.engine.image.region import Region

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

TILE = 1280
"""Larger views are looked at in pieces of at most this side, so that a look takes a bounded amount of memory."""
SHARED = 192
"""What neighbouring pieces have in common, in pixels: larger faces are found whole at the next smaller scale."""
SEEN = 0.2
"""Hits below this score are nothing (as the `deface` package has it)."""
FAST_SIDE = 960
"""Long side of the single look of the fast profile, in pixels."""
TURNS = tuple(range(30, 360, 30))


@dataclass(frozen=True)
class Pass:
    """One look: the picture turned anticlockwise by `angle` degrees, its long side scaled to `long_side` pixels."""

    angle: float
    long_side: float


@dataclass(frozen=True)
class Hit:
    """A face as one pass saw it; `turn` is the face's in the turned view, in degrees, by its own landmarks."""

    region: Region
    turn: float
    seen_by: Pass


def passes(width: int, height: int, profile: Profile) -> list[Pass]:
    """Return the looks of a profile at a picture of that size.

    `gate`: upright from twice the size (to at most 2,560 pixels, and never below the picture's own) down by halves; and
    at every 30°, at its own size (at most 1,280 pixels, small pictures enlarged to 800) and half of that. `fast`: once,
    at up to 960 pixels.
    """
    own = max(width, height)
    if profile == "fast":
        return [Pass(0, min(own, FAST_SIDE))]
    largest = max(own, min(2 * own, 2560))
    upright = [largest / 2**step for step in range(12) if step == 0 or largest / 2**step >= 320]
    turned = min(max(own, min(2 * own, 800)), 1280)
    return [Pass(0, side) for side in upright] + [Pass(angle, side) for angle in TURNS for side in (turned, turned / 2)]


def look(view: "NDArray[np.uint8]", one: Pass, threshold: float = SEEN) -> list[Hit]:
    """Return what one pass sees in an RGB view, as places in the unturned picture."""
    import cv2

    height, width = view.shape[:2]
    scale = one.long_side / max(width, height)
    if scale < 0.5 or one.angle == 0:  # warping samples points: shrink first, or fine patterns turn into noise
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        view = resized(view, size)
    turn = turning(view.shape[1], view.shape[0], one.angle, one.long_side / max(view.shape[:2]))
    turned: Any = cv2.warpAffine(view, turn.matrix, turn.size) if one.angle else view
    back = cv2.invertAffineTransform(turn.matrix)
    back *= width / view.shape[1]
    return [_hit(back, scale, one, box) for box in _boxes(turned, threshold)]  # pyright: ignore[reportArgumentType]


def resized(view: "NDArray[np.uint8]", size: tuple[int, int]) -> "NDArray[np.uint8]":
    """Return a view at another size (columns, rows)."""
    import cv2

    if size == (view.shape[1], view.shape[0]):
        return view
    smaller = size[0] * size[1] < view.shape[0] * view.shape[1]
    return cv2.resize(view, size, interpolation=cv2.INTER_AREA if smaller else cv2.INTER_LINEAR)  # pyright: ignore[reportReturnType]


@dataclass(frozen=True)
class Turning:
    """An affine map (2 × 3) of a picture onto a canvas of `size` (columns, rows) that holds all of it."""

    matrix: "NDArray[np.float64]"
    size: tuple[int, int]


def turning(width: int, height: int, angle: float, scale: float) -> Turning:
    """Return how a picture is turned anticlockwise by `angle` degrees and scaled."""
    import cv2

    if angle == 0:
        matrix = cv2.getRotationMatrix2D((0, 0), 0, 1.0)
        return Turning(matrix, (width, height))  # pyright: ignore[reportArgumentType]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), angle, scale)
    c, s = abs(matrix[0, 0]), abs(matrix[0, 1])
    columns, rows = (ceil((a * c + b * s) / STRIDE) * STRIDE for a, b in ((width, height), (height, width)))
    matrix[:, 2] += (columns / 2 - width / 2, rows / 2 - height / 2)
    return Turning(matrix, (columns, rows))  # pyright: ignore[reportArgumentType]


def _hit(back: "NDArray[Any]", scale: float, one: Pass, box: "NDArray[np.float32]") -> Hit:
    """Return a box of a turned view as a place in the picture."""
    x0, y0, x1, y1, score, turn = (float(value) for value in box)
    middle_x, middle_y = (x0 + x1) / 2, (y0 + y1) / 2
    x = back[0, 0] * middle_x + back[0, 1] * middle_y + back[0, 2]
    y = back[1, 0] * middle_x + back[1, 1] * middle_y + back[1, 2]
    region = Region(float(x), float(y), (x1 - x0) / scale, (y1 - y0) / scale, one.angle, score)
    return Hit(region, turn, one)


def _boxes(view: "NDArray[np.uint8]", threshold: float) -> "Iterator[NDArray[np.float32]]":
    """Yield the boxes in a view, looked at in pieces where it is large."""
    import numpy as np

    for top, bottom in pieces(view.shape[0]):
        for left, right in pieces(view.shape[1]):
            part = view[top:bottom, left:right]
            if part.any():  # the corners of a turned picture's canvas are empty
                for box in detect(part, threshold):
                    box[0:4] += np.array((left, top, left, top), np.float32)
                    yield box


def pieces(length: int) -> list[tuple[int, int]]:
    """Return where pieces of equal size begin and end along a side."""
    count = max(1, ceil((length - SHARED) / (TILE - SHARED)))
    size = ceil((length + (count - 1) * SHARED) / count)
    starts = [round(number * (length - size) / max(1, count - 1)) for number in range(count)]
    return [(start, min(length, start + size)) for start in starts]
