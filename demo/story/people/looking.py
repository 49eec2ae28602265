"""A second pair of eyes on pictures: another detector (Haar cascade), and how much has changed outside the faces."""

# pyright: reportMissingImports=false

from pathlib import Path
from typing import Any

from .pictures import Portrait

GROWN_PX = 20
SHOWN_HEAD_PX = 150
"""Size at which the second detector sees a head, whatever its size in the picture: the known scale is undone."""


def pixels_of(path: Path) -> Any:
    """Return a picture as it is seen: 8-bit RGB, orientation applied."""
    import numpy
    from PIL import Image, ImageOps

    with Image.open(path) as image:
        return numpy.asarray(ImageOps.exif_transpose(image).convert("RGB"))


def cascade(name: str) -> Any:
    """Return one of OpenCV's Haar cascades (Viola and Jones 2001; Intel's licence, BSD-like)."""
    import cv2

    return cv2.CascadeClassifier(str(Path(str(cv2.__file__)).parent / "data" / name))


def faces_in(seen: Any, portrait: Portrait) -> int:
    """Return how many faces the Haar cascade finds in the head of a portrait, with rotation, light and scale undone.

    Only hits whose middle lies in the head's box count.
    """
    import cv2
    import numpy

    x, y, width, height = portrait.head
    zoom = SHOWN_HEAD_PX / height
    margin = 0.8 * height
    # Upright window around the head → picture, in one matrix: the inverse of what made the picture.
    to_upright = numpy.array([[1 / zoom, 0, x - margin], [0, 1 / zoom, y - margin], [0, 0, 1]])
    to_picture = numpy.vstack([portrait.matrix, [0, 0, 1]]) @ to_upright
    size = (round((width + 2 * margin) * zoom), round((height + 2 * margin) * zoom))
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    window = cv2.warpAffine(seen, to_picture[:2], size, flags=flags, borderMode=cv2.BORDER_REPLICATE)
    window = numpy.clip(window.astype(numpy.float32) / portrait.variant.light, 0, 255).astype(numpy.uint8)
    grey = cv2.cvtColor(window, cv2.COLOR_RGB2GRAY)
    found = 0
    for name in ("haarcascade_frontalface_default.xml", "haarcascade_frontalface_alt2.xml"):
        hits = cascade(name).detectMultiScale(grey, scaleFactor=1.05, minNeighbors=4, minSize=(40, 40))
        for left, top, wide, high in hits:
            middle_x, middle_y = left + wide / 2 - margin * zoom, top + high / 2 - margin * zoom
            found += 0 <= middle_x <= width * zoom and 0 <= middle_y <= height * zoom
    return int(found)


def ssim_outside(before: Any, after: Any, portrait: Portrait) -> float:
    """Return the mean structural similarity (Wang et al. 2004) outside the head's box grown by 20 px."""
    import numpy
    from skimage.metrics import structural_similarity

    if before.shape != after.shape:
        return 0.0
    _, similarity = structural_similarity(before, after, channel_axis=2, full=True)
    x, y, width, height = portrait.head
    corners = numpy.array([[x, y, 1], [x + width, y, 1], [x, y + height, 1], [x + width, y + height, 1]])
    seen = corners @ portrait.matrix.T
    left, top = (seen.min(axis=0) - GROWN_PX).astype(int)
    right, bottom = (seen.max(axis=0) + GROWN_PX).astype(int)
    outside = numpy.ones(before.shape[:2], dtype=bool)
    outside[max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)] = False
    return float(similarity.mean(axis=2)[outside].mean())
