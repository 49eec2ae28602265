"""Covers a region of a picture: one colour, a mosaic or a blur."""

from typing import TYPE_CHECKING, Any

from services.deid.engine.image.region import Region

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


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


def fill(pixels: "NDArray[Any]", region: Region) -> None:
    """Paint the region black, in place; opaque where there is alpha."""
    import numpy as np

    (x0, y0, x1, y1), inside = mask(region, pixels.shape[1], pixels.shape[0])
    part = pixels[y0:y1, x0:x1]
    part[inside] = 0
    if pixels.ndim == 3 and pixels.shape[2] in (2, 4):
        part[inside, -1] = np.iinfo(pixels.dtype).max
