"""Covers faces as weakly as can be, and as strongly as must be: until none of them is detected again."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from services.deid.engine.image.cover import FILLS, Original, Strength, cover, original_of, strengths
from services.deid.engine.image.decode import Frame
from services.deid.engine.image.operators import FacesParams, Profile
from services.deid.engine.image.passes import FAST_SIDE, SEEN, TURNS, Pass, look
from services.deid.engine.image.region import Region

AROUND = 1.5
"""How much wider and higher than the region the part is that is looked at again, as a share of the region."""
CHECKED_FACES = (32, 80, 160)
"""Heights in pixels at which the gate profile looks at a covered face again, upright; turned, at the first two."""
SIZE_RATIO = 2.5
"""A hit of another size than the covered face's by more than this is something else."""


@dataclass(frozen=True)
class Concealed:
    """A face that is covered: where it was found, what is covered, how strongly.

    `seen_again` is the score with which a face is still seen there. It can only reach `SEEN` in a fill: nothing of the
    face is left then, but a body with a patch on top can look like a person to a detector.
    """

    found: Region
    covered: Region
    strength: Strength
    seen_again: float


def conceal(frame: Frame, found: Sequence[Region], params: FacesParams) -> list[Concealed]:
    """Cover the faces in the frame's pixels, in place; return what was done, in the order given.

    All are covered at the method's weakest strength, then each is looked at again with its surroundings, and made
    stronger until nothing is found in its place. Of the fills, when one is seen in all, the least convincing stays.
    """
    ladder = strengths(params.method)
    covers = [
        _Cover(face, face.grown(params.grow), original_of(frame.pixels, face.grown(params.grow))) for face in found
    ]
    for one in covers:
        cover(frame.pixels, one.original, one.region, ladder[0])
    waiting = covers
    while waiting:
        for one in waiting:
            score = _seen_again(frame, one.region, one.face, params.profile, whole=ladder[one.step].cells == 0)
            one.scores.append(score)
        waiting = [one for one in waiting if one.scores[-1] >= SEEN]
        for one in waiting:
            one.step += 1
            if one.step == len(ladder):
                fills = range(len(ladder) - len(FILLS), len(ladder))
                one.step = min(fills, key=lambda step, scores=one.scores: scores[step])
                one.settled = True
            cover(frame.pixels, one.original, one.region, ladder[one.step])
        waiting = [one for one in waiting if not one.settled]
    return [Concealed(one.face, one.region, ladder[one.step], one.scores[one.step]) for one in covers]


@dataclass
class _Cover:
    """A face on its way through the strengths: at which it is, and how it was seen again at each so far."""

    face: Region
    region: Region
    original: Original
    step: int = 0
    scores: list[float] = field(default_factory=list[float])
    settled: bool = False


def _seen_again(frame: Frame, covered: Region, face: Region, profile: Profile, *, whole: bool) -> float:
    """Return the score of a face where one was covered: of the first look that sees one, or (`whole`) of the surest."""
    height, width = frame.pixels.shape[:2]
    x0, y0, x1, y1 = covered.grown(AROUND).bounds(width, height)
    if x1 <= x0 or y1 <= y0:
        return 0.0
    view = replace(frame, pixels=frame.pixels[y0:y1, x0:x1]).view()
    surest = 0.0
    for one in _looks(max(view.shape[:2]), face, profile, max(width, height)):
        for hit in look(view, one):
            ratio = hit.region.size / face.size
            if covered.holds(hit.region.x + x0, hit.region.y + y0) and 1 / SIZE_RATIO < ratio < SIZE_RATIO:
                surest = max(surest, hit.region.score)
        if surest and not whole:
            break
    return surest


def _looks(side: int, face: Region, profile: Profile, whole: int) -> Iterator[Pass]:
    """Yield the looks at a part whose long side is `side`, the likeliest first."""
    if profile == "fast":
        yield Pass(0, side * min(1.0, FAST_SIDE / whole))
        return
    for height in CHECKED_FACES:
        yield Pass(face.angle, side * height / face.height)
    for turn in TURNS:
        for height in CHECKED_FACES[:2]:
            yield Pass(face.angle + turn, side * height / face.height)
