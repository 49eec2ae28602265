"""Covers a region of a picture: one colour, a mosaic, or a blur, of a strength that is told in cells.

Mosaic and blur keep the same: so many mean colours across the region's shorter side. A blur is those means, drawn
smoothly: what a Gaussian leaves can be sharpened again, what was averaged away cannot.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from services.deid.engine.image.operators import Method
from services.deid.engine.image.region import Region

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


Paint = Literal["surroundings", "grey", "black"]


@dataclass(frozen=True)
class Strength:
    """How a region is covered: `cells` means across its shorter side, or (0 cells) one colour, `paint`."""

    method: Method
    cells: int = 0
    paint: Paint = "surroundings"

    @property
    def share(self) -> float:
        """Of the region's shorter side that is one colour: 0.25 for four cells, 1 for a fill."""
        return 1 / self.cells if self.cells else 1.0

    def __str__(self) -> str:
        return f"{self.method} {self.cells}" if self.cells else "fill"


FILLS = tuple(Strength("fill", 0, paint) for paint in ("surroundings", "grey", "black"))
"""First what surrounds the region, as its median colour: a black patch on a body is itself taken for a face (with a
score of 0.3 on average, where the surroundings' colour has 0.1)."""
CELLS: dict[Method, tuple[int, ...]] = {"pixelate": (4, 3, 2), "blur": (3, 2)}
"""Cells of a method's strengths, weakest first. It begins where CenterFace and Haar cascades lose sight of most faces;
with more cells a picture is still known again by its colours (McPherson et al. 2016, arXiv 1609.00408)."""


RING = 0.3
"""How much wider and higher than the region that is which counts as its surroundings, as a share of the region."""


def strengths(method: Method) -> tuple[Strength, ...]:
    """Return the strengths of a method, weakest first; the last ones are fills."""
    return tuple(Strength(method, cells) for cells in CELLS.get(method, ())) + FILLS


@dataclass(frozen=True)
class Original:
    """What a cover is made of: the upright box around the region as it was, and the median colour around that."""

    part: "NDArray[Any]"
    surroundings: "NDArray[Any]"


def original_of(pixels: "NDArray[Any]", region: Region) -> Original:
    """Keep what is needed of a region before it is covered."""
    import numpy as np

    height, width = pixels.shape[:2]
    x0, y0, x1, y1 = region.bounds(width, height)
    (left, top, right, bottom), _ = mask(region.grown(RING), width, height)
    around = pixels[top:bottom, left:right]
    outside = np.ones(around.shape[:2], bool)
    outside[y0 - top : y1 - top, x0 - left : x1 - left] = False
    ring = around[outside] if outside.any() else around.reshape(-1, *around.shape[2:])
    middle = np.median(ring, axis=0) if len(ring) else np.zeros(pixels.shape[2:])
    return Original(pixels[y0:y1, x0:x1].copy(), np.nan_to_num(middle).astype(pixels.dtype))


def cover(pixels: "NDArray[Any]", original: Original, region: Region, strength: Strength) -> None:
    """Cover a region of `pixels` in place; opaque where there is alpha."""
    import numpy as np

    height, width = pixels.shape[:2]
    (x0, y0, x1, y1), inside = mask(region, width, height)
    if not inside.any():
        return
    part = pixels[y0:y1, x0:x1]
    if strength.cells:
        part[inside] = averaged(original.part, strength)[inside]
    elif strength.paint == "surroundings":
        part[inside] = original.surroundings
    else:
        part[inside] = _grey(original.part, 0.5 if strength.paint == "grey" else 0.0)
    if pixels.ndim == 3 and pixels.shape[2] in (2, 4):
        part[inside, -1] = np.iinfo(pixels.dtype).max


def _grey(part: "NDArray[Any]", level: float) -> Any:
    """Return a grey: of the type's range, or of the values' own where that says nothing (32 bits)."""
    import numpy as np

    if part.dtype in (np.uint8, np.uint16):
        return round(np.iinfo(part.dtype).max * level)
    finite = part[np.isfinite(part)]
    low, high = (finite.min(), finite.max()) if finite.size else (0, 0)
    return part.dtype.type(low + (float(high) - float(low)) * level)


def mask(region: Region, width: int, height: int) -> "tuple[tuple[int, int, int, int], NDArray[np.bool_]]":
    """Return the upright box (x0, y0, x1, y1) around a region inside the picture, and which of its pixels are in it."""
    import cv2
    import numpy as np

    x0, y0, x1, y1 = region.bounds(width, height)
    canvas = np.zeros((max(0, y1 - y0), max(0, x1 - x0)), np.uint8)
    if canvas.size:
        corners = np.rint(region.corners() - (x0, y0)).astype(np.int32)
        cv2.fillConvexPoly(canvas, corners, 1)
    return (x0, y0, x1, y1), canvas.astype(bool)


def averaged(part: "NDArray[Any]", strength: Strength) -> "NDArray[Any]":
    """Return a part as mean colours, `strength.cells` across its shorter side: as squares, or drawn smoothly."""
    import cv2
    import numpy as np

    height, width = part.shape[:2]
    side = min(height, width) / strength.cells
    size = (max(1, round(width / side)), max(1, round(height / side)))
    values = part if part.dtype.kind == "u" else np.nan_to_num(part.astype(np.float64))
    means = cv2.resize(values, size, interpolation=cv2.INTER_AREA)
    smooth = cv2.INTER_LINEAR if strength.method == "blur" else cv2.INTER_NEAREST
    return cv2.resize(means, (width, height), interpolation=smooth).reshape(part.shape).astype(part.dtype)
