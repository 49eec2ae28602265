"""All text operators of a recipe at work: they find in the same original text, and everything is replaced in one pass."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from services.deid.engine.operator import Keys, Step
from services.deid.engine.text.actions import Render, renderer
from services.deid.engine.text.folding import fold
from services.deid.engine.text.operators import FINDERS, Find, TextParams
from services.deid.engine.text.protected import Protected, pieces
from services.deid.engine.text.scan import Scan
from services.deid.engine.text.spans import Claim, Span, settle

_ROUNDS = 8
"""How often treated text is looked at again. What removing has brought together is found in the second round."""
_CHUNK = 1 << 20
_OVERLAP = 1 << 12
"""Text is searched in pieces of a million characters; no finding, with what it needs around it, is longer than this."""


@dataclass(frozen=True)
class TextResult:
    """A treated text. With `withheld` set it could not be treated, and `text` is empty."""

    text: str
    spans: list[Span] = field(default_factory=list[Span])
    withheld: str | None = None


@dataclass(frozen=True)
class _Part:
    """One operator of the recipe."""

    operator: str
    find: Find
    render: Render


class TextPlan:
    """The text operators of a recipe with a dataset's key. Stateless: one plan serves many threads and files."""

    def __init__(self, steps: Sequence[Step], keys: Keys) -> None:
        self._parts = [
            _Part(step.operator.name, FINDERS[step.operator.name].load(), renderer(step.params.action, keys))
            for step in steps
            if isinstance(step.params, TextParams)
        ]
        self._protected = Protected()

    def find(self, text: str) -> list[Span]:
        """Return what would be treated, by offset; the spans do not overlap."""
        return list(self._find(text))

    def treat(self, text: str) -> TextResult:
        """Return the treated text. Treating it again changes nothing."""
        spans = self.find(text)
        treated = replaced(text, spans)
        for _ in range(_ROUNDS):
            again = self.find(treated) if spans else []
            if not again:
                break
            treated_again = replaced(treated, again)
            spans = composed(text, treated, spans, again)
            treated = treated_again
        return TextResult(treated, spans)

    def _find(self, text: str) -> Iterator[Span]:
        for start in range(0, len(text), _CHUNK):
            low, high = max(0, start - _OVERLAP), min(len(text), start + _CHUNK + _OVERLAP)
            piece = text if low == 0 and high == len(text) else text[low:high]
            # A finding belongs to the piece in which it begins.
            yield from (
                span
                for span in self._find_in(piece, low)
                if start <= span.start < start + _CHUNK or len(text) <= _CHUNK
            )

    def _find_in(self, text: str, shift: int) -> Iterator[Span]:
        folded = fold(text)
        scan = Scan(folded)
        protected = self._protected.spans(folded.text)
        claims: list[Claim] = []
        for order, part in enumerate(self._parts):
            for candidate in part.find(scan):
                if protected:
                    for start, end in pieces(candidate.start, candidate.end, protected):
                        if folded.text[start:end].strip():
                            claims.append(Claim(*folded.span(start, end), order, candidate))
                else:
                    claims.append(Claim(*folded.span(candidate.start, candidate.end), order, candidate))
        for claim in settle(claims):
            part, candidate = self._parts[claim.order], claim.candidate
            written = text[claim.start : claim.end]
            after = part.render(candidate.kind, candidate.normal, written)
            if after != written:
                yield Span(claim.start + shift, claim.end + shift, candidate.kind, part.operator, after)


def replaced(text: str, spans: Sequence[Span]) -> str:
    """Return the text with every span replaced."""
    if not spans:
        return text
    parts: list[str] = []
    done = 0
    for span in spans:
        parts += (text[done : span.start], span.after)
        done = span.end
    parts.append(text[done:])
    return "".join(parts)


def composed(original: str, treated: str, spans: Sequence[Span], again: Sequence[Span]) -> list[Span]:
    """Return spans of the original that do in one pass what `spans` and then `again` (of the treated text) do."""
    starts: list[int] = []  # where each span's replacement begins in the treated text
    moved = 0
    for span in spans:
        starts.append(span.start + moved)
        moved += len(span.after) - (span.end - span.start)
    ends = [start + len(span.after) for start, span in zip(starts, spans, strict=True)]

    def origin(position: int) -> int:
        index = bisect_right(starts, position) - 1
        return position if index < 0 else spans[index].end + position - ends[index]

    result: list[Span] = []
    taken = 0
    for new in again:
        # Replacements that `new` touches; an empty one (removed) counts when it stands inside.
        low = bisect_right(ends, new.start)
        while low < len(spans) and starts[low] == ends[low] == new.start:
            low += 1
        high = bisect_left(starts, new.end)
        result += spans[taken : max(low, taken)]
        last = high - 1
        if low >= high:
            result.append(Span(origin(new.start), origin(new.end), new.kind, new.operator, new.after))
        else:
            before = treated[starts[low] : new.start] if starts[low] < new.start else ""
            behind = treated[new.end : ends[last]] if ends[last] > new.end else ""
            start = spans[low].start if starts[low] <= new.start else origin(new.start)
            end = spans[last].end if ends[last] >= new.end else origin(new.end)
            after = before + new.after + behind
            result.append(Span(start, end, new.kind, new.operator, after))
        taken = max(taken, high)
    return result + list(spans[taken:])


def build_text_plan(steps: Sequence[Step], keys: Keys) -> TextPlan | None:
    """Return the plan of a recipe's text operators, or None when it has none."""
    steps = [step for step in steps if step.operator.family == "text"]
    return TextPlan(steps, keys) if steps else None
