"""What a steward is shown of a treated picture, and what a report tells of a face: never the face."""

import hashlib
import random
from collections.abc import Sequence
from io import BytesIO
from typing import TYPE_CHECKING, Any, TypeVar

from services.deid.engine.image.conceal import Concealed
from services.deid.engine.image.decode import Frame
from services.deid.engine.image.passes import resized
from services.deid.engine.operator import Finding, Place, Treated

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

CROP_SIDE = 192
"""Of the picture of a treated place, in pixels; it shows three times the covered width and height."""
WHOLE_SIDE = 480
"""Of the picture of an untreated place: that is a whole page, in which nothing more should be found."""
QUALITY = 75

T = TypeVar("T")


class Places:
    """Collects the places of a file's pages. Which are kept is a simple random sample drawn from the content's hash."""

    def __init__(self, content: bytes) -> None:
        # No secret: the same file gives the same sample, whichever worker has it.
        self._random = random.Random(hashlib.sha256(content).digest())  # noqa: S311
        self._treated: list[Place] = []
        self._untreated: list[Place] = []
        self._findings: list[Finding] = []
        self.treated = 0
        self.untreated = 0

    def add(self, frame: Frame, page: int, pages: int, done: Sequence[Concealed], operator: str) -> None:
        """Take the faces of a treated page, and the page."""
        height, width = frame.pixels.shape[:2]
        where = f"page {page + 1}, " if pages > 1 else ""
        for one in done:
            x0, y0, x1, y1 = one.found.bounds(width, height)
            place, shape = f"{where}box {x0},{y0},{x1 - x0},{y1 - y0}", f"{x1 - x0} × {y1 - y0}"
            self.treated += 1
            self._findings.append(Finding("face", operator, True, place, shape, str(one.strength)))
            slot = self._slot(self._treated, self.treated)
            if slot is not None:
                left, top, right, bottom = one.covered.grown(2.0).bounds(width, height)
                part = Frame(frame.pixels[top:bottom, left:right])
                self._treated[slot : slot + 1] = [
                    Place("treated", "face", place, shape, "", small_jpeg(part, CROP_SIDE)),
                ]
        self.untreated += 1
        slot = self._slot(self._untreated, self.untreated)
        if slot is not None:
            place = f"{where}whole picture"
            self._untreated[slot : slot + 1] = [
                Place("untreated", "picture", place, "", "", small_jpeg(frame, WHOLE_SIDE))
            ]

    def _slot(self, kept: Sequence[Place], seen: int) -> int | None:
        """Return where the place that is the `seen`th goes (Vitter's algorithm R), or None."""
        if seen <= Treated.SAMPLE:
            return len(kept)
        slot = self._random.randrange(seen)
        return slot if slot < Treated.SAMPLE else None

    def places(self) -> list[Place]:
        """Return the sample."""
        return self._treated + self._untreated

    def findings(self) -> list[Finding]:
        """Return at most `Treated.SAMPLE` findings, evenly spread over the file."""
        return spread(self._findings, Treated.SAMPLE)


def spread(entries: Sequence[T], most: int) -> list[T]:
    """Return at most `most` entries, evenly spread."""
    if len(entries) <= most:
        return list(entries)
    return [entries[round(number * (len(entries) - 1) / (most - 1))] for number in range(most)]


def small_jpeg(frame: Frame, side: int) -> bytes:
    """Return a frame as a JPEG of at most `side` pixels, as the eye sees it: colours over white where it is opaque."""
    from PIL import Image

    view: NDArray[np.uint8] = over_white(frame)
    height, width = view.shape[:2]
    scale = min(1.0, side / max(height, width, 1))
    view = resized(view, (max(1, round(width * scale)), max(1, round(height * scale))))
    buffer = BytesIO()
    Image.fromarray(view).save(buffer, "JPEG", quality=QUALITY)
    return buffer.getvalue()


def over_white(frame: Frame) -> "NDArray[Any]":
    """Return the frame as 8-bit RGB, laid over white."""
    import numpy as np

    view = frame.view()
    if not frame.has_alpha:
        return view
    opacity = frame.pixels[..., -1:].astype(np.float32) / np.iinfo(frame.pixels.dtype).max
    return np.rint(view * opacity + 255 * (1 - opacity)).astype(np.uint8)
