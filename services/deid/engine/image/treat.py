"""A picture file in, a fresh one out: faces covered, metadata gone; or withheld with the reason."""

from collections.abc import Sequence
from typing import Any

from services.deid.engine.image.conceal import Concealed, conceal
from services.deid.engine.image.decode import Frame, frames
from services.deid.engine.image.encode import writer
from services.deid.engine.image.faces import find_faces
from services.deid.engine.image.files import MEDIA_TYPES, REASONS, Refused, opened
from services.deid.engine.image.inventory import metadata_blocks
from services.deid.engine.image.operators import FACES, FacesParams
from services.deid.engine.image.passes import passes
from services.deid.engine.image.places import Places
from services.deid.engine.operator import Step, Treated

__all__ = ["REASONS", "probe_image", "treat_image"]


def probe_image(content: bytes) -> str | None:
    """Return why a picture must not even be decoded (a code of `REASONS`), from its headers alone, or None."""
    try:
        with opened(content):
            return None
    except Refused as refused:
        return refused.code


def treat_image(content: bytes, media_type: str, steps: Sequence[Step]) -> Treated:
    """Treat a picture file; never raises. Its metadata go whatever the steps are: it is released re-encoded, or not.

    The media type of the result is the content's own, whatever was declared. With several steps of `image.faces` the
    last counts. Measures: `faces_found`, `faces_treated`; where there were faces `strength` (the weakest used, as the
    share of a face's shorter side that is one colour: 0.25 for a mosaic of four cells, 1 for a fill) and
    `faces_filled`, those that took a fill.
    """
    chosen = [step.params for step in steps if step.operator.name == FACES.name]
    params = chosen[-1] if chosen else None
    try:
        return _treated(content, params if isinstance(params, FacesParams) else None)
    except Refused as refused:
        return Treated(None, media_type, withheld=refused.code)


def _treated(content: bytes, params: FacesParams | None) -> Treated:
    places = Places(content)
    done: list[Concealed] = []
    with opened(content) as picture:
        media_type = MEDIA_TYPES[str(picture.format)]
        blocks = len(metadata_blocks(picture, content))
        pages = int(getattr(picture, "n_frames", 1))
        out = writer(picture, content)
        for page, frame in enumerate(frames(picture, content)):
            concealed = _conceal_all(frame, params) if params is not None else []
            places.add(frame, page, pages, concealed, FACES.name)
            done += concealed
            out.add(frame)
        made = out.finish()
    counts: dict[str, dict[str, int]] = {}
    if params is not None:
        counts["face"] = {"found": len(done), "treated": len(done)}
    counts["metadata"] = {"found": blocks, "treated": blocks}
    return Treated(
        made,
        media_type,
        counts={kind: count for kind, count in counts.items() if count["found"]},
        findings=places.findings(),
        places=places.places(),
        totals={"treated": places.treated, "untreated": places.untreated},
        measures=_measures(done) if params is not None else {},
    )


def _conceal_all(frame: Frame, params: FacesParams) -> list[Concealed]:
    """Find and cover the faces of a page; in what is drawn in colours and in what opacity draws."""
    view = frame.view()
    looks = passes(view.shape[1], view.shape[0], params.profile)
    return conceal(frame, find_faces(view, looks), params)


def _measures(done: Sequence[Concealed]) -> dict[str, Any]:
    measures: dict[str, Any] = {"faces_found": len(done), "faces_treated": len(done)}
    if done:
        measures["strength"] = min(one.strength.share for one in done)
        measures["faces_filled"] = sum(one.strength.cells == 0 for one in done)
    return measures
