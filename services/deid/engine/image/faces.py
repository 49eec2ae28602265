"""Looks for faces in several passes and makes one list of regions of them."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.deid.engine.image.detector import detect
from services.deid.engine.image.region import Region

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def find_faces(view: "NDArray[np.uint8]", profile: str) -> list[Region]:
    """Return the faces of an RGB view."""
    height, width = view.shape[:2]
    scale = min(1.0, 1280 / max(height, width))
    boxes = detect(view, scale, 0.3)
    return [
        Region(float(x0 + x1) / 2, float(y0 + y1) / 2, float(x1 - x0), float(y1 - y0), 0.0, float(score))
        for x0, y0, x1, y1, score in boxes
    ]
