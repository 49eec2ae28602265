"""A picture file in, a fresh one out: faces covered, metadata gone; or withheld with the reason."""

from collections.abc import Sequence
from typing import Any

from services.deid.engine.image.cover import fill
from services.deid.engine.image.decode import frames
from services.deid.engine.image.encode import writer
from services.deid.engine.image.faces import find_faces
from services.deid.engine.image.files import MEDIA_TYPES, REASONS, Refused, opened
from services.deid.engine.image.operators import FACES, METADATA, FacesParams
from services.deid.engine.operator import Finding, Step, Treated

__all__ = ["REASONS", "probe_image", "treat_image"]


def probe_image(content: bytes) -> str | None:
    """Return why a picture must not even be decoded (a code of `REASONS`), from its headers alone, or None."""
    try:
        with opened(content):
            return None
    except Refused as refused:
        return refused.code


def treat_image(content: bytes, media_type: str, steps: Sequence[Step]) -> Treated:
    """Treat a picture file; never raises. Its metadata go whatever the steps are: it is released re-encoded or not.

    The media type of the result is the content's own, whatever was declared.
    """
    faces = next((step.params for step in steps if step.operator.name == FACES.name), None)
    try:
        return _treated(content, faces if isinstance(faces, FacesParams) else None)
    except Refused as refused:
        return Treated(None, media_type, withheld=refused.code)


def _treated(content: bytes, params: FacesParams | None) -> Treated:
    found: list[Finding] = []
    total = 0
    with opened(content) as picture:
        media_type = MEDIA_TYPES[str(picture.format)]
        out = writer(picture, content)
        for frame in frames(picture, content):
            pixels: Any = frame.pixels
            if params is not None:
                for region in find_faces(frame.view(), params.profile):
                    total += 1
                    x0, y0, x1, y1 = region.bounds(pixels.shape[1], pixels.shape[0])
                    fill(pixels, region.grown(params.grow))
                    found.append(
                        Finding(
                            "face",
                            FACES.name,
                            True,
                            f"box {x0},{y0},{x1 - x0},{y1 - y0}",
                            f"{x1 - x0} × {y1 - y0}",
                            "fill",
                        )
                    )
            out.add(frame)
        made = out.finish()
    counts = {"face": {"found": total, "treated": total}} if total else {}
    return Treated(made, media_type, counts=counts, findings=found[: Treated.SAMPLE], measures={"faces": total})


_ = METADATA
