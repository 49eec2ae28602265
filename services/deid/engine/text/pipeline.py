"""All text operators of a recipe at work: they find in one original text, and everything is replaced in one pass."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field

from services.deid.engine.operator import Keys, Step
from services.deid.engine.text.actions import Render, digest, mask, renderer
from services.deid.engine.text.finders.custom import PatternTimeout
from services.deid.engine.text.folding import fold
from services.deid.engine.text.kinds import label_of
from services.deid.engine.text.operators import CustomParams, Find, TextParams, finder_of
from services.deid.engine.text.protected import Protected, pieces
from services.deid.engine.text.scan import Scan
from services.deid.engine.text.spans import Claim, Span, settle

_ROUNDS = 8
"""How often treated text is looked at again. What removing has brought together is found in the second round."""
_CONTEXT_AT_MOST = 100
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
    masks: bool


class TextPlan:
    """The text operators of a recipe with a dataset's key. Stateless: one plan serves many threads and files.

    `context` is what a text's place says of it, such as a column's name or a JSON key (`telefon`, `född`): it is read
    as standing before the text. Offsets are always those of the text alone.
    """

    def __init__(self, steps: Sequence[Step], keys: Keys) -> None:
        """Put the text operators among `steps` together; others are left out."""
        steps = [step for step in steps if isinstance(step.params, TextParams)]
        self._parts = [
            _Part(step.operator.name, finder_of(step), renderer(step.params.action, keys), step.params.action == "mask")
            for step in steps
            if isinstance(step.params, TextParams)
        ]
        self._keys = keys
        self._protected = Protected(step.params.kind for step in steps if isinstance(step.params, CustomParams))

    def seed(self, content: bytes) -> bytes:
        """Return a seed that depends on content and key alone: no donor can foresee what is drawn for review."""
        return digest(self._keys, "sample", content.hex())

    def find(self, text: str, context: str = "") -> list[Span]:
        """Return what would be treated, by offset; the spans do not overlap.

        Raises PatternTimeout when a pattern of the recipe's own takes too long.
        """
        return self._find(text, context, firm=False)

    def treat(self, text: str, context: str = "") -> TextResult:
        """Return the treated text; treating it again changes nothing. Never raises."""
        try:
            return self._treat(text, context)
        except PatternTimeout as error:
            return TextResult("", withheld=error.code)

    def _treat(self, text: str, context: str) -> TextResult:
        """Treat, and look again at what came out until nothing more is found.

        Removing brings together what was apart, and a new neighbour can make a word look like a name. From the fourth
        round on labels are put instead, which nothing is found across.
        """
        spans = self.find(text, context)
        treated = replaced(text, spans)
        again = spans
        for round_ in range(_ROUNDS):
            again = again and self._find(treated, context, firm=round_ >= _ROUNDS // 2)
            if not again:
                return TextResult(treated, spans)
            spans = composed(treated, spans, again)
            treated = replaced(text, spans)
        return TextResult("", withheld="text-unsettled")

    def _find(self, text: str, context: str, firm: bool) -> list[Span]:
        if not context:
            return self._find_long(text, firm)
        prefix = re.sub(r"[\W_]+", " ", context)[-_CONTEXT_AT_MOST:] + ": "
        shift = len(prefix)
        found = self._find_long(prefix + text, firm)
        return [
            Span(max(s.start - shift, 0), s.end - shift, s.kind, s.operator, s.after) for s in found if s.end > shift
        ]

    def _find_long(self, text: str, firm: bool) -> list[Span]:
        if len(text) <= _CHUNK + _OVERLAP:
            return self._find_in(text, 0, firm)
        found: list[Span] = []
        for start in range(0, len(text), _CHUNK):
            low, high = max(0, start - _OVERLAP), min(len(text), start + _CHUNK + _OVERLAP)
            # A finding belongs to the piece in which it begins.
            for span in self._find_in(text[low:high], low, firm):
                if start <= span.start < start + _CHUNK and (not found or found[-1].end <= span.start):
                    found.append(span)
        return found

    def _find_in(self, text: str, shift: int, firm: bool) -> list[Span]:
        """Find in one piece of a text, which begins at `shift`."""
        folded = fold(text)
        scan = Scan(folded)
        protected = self._protected.spans(folded.text)
        claims: list[Claim] = []
        for order, part in enumerate(self._parts):
            for candidate in part.find(scan):
                if protected:
                    whole = pieces(candidate.start, candidate.end, protected)
                    parts = [(start, end) for start, end in whole if folded.text[start:end].strip()]
                else:
                    parts = [(candidate.start, candidate.end)]
                for start, end in parts:
                    # What is hidden or drawn otherwise in the original is not carried over into what replaces it.
                    written = (folded.text if folded.starts else text)[start:end]
                    claims.append(Claim(*folded.span(start, end), order, candidate, written))
        spans: list[Span] = []
        for start, end, order, candidate, written in settle(claims):
            part = self._parts[order]
            if firm:
                after = f"[{label_of(candidate.kind)}]"
            elif part.masks:
                after = mask(text[start:end])
            else:
                after = part.render(candidate.kind, candidate.normal, written)
            if after != text[start:end]:
                spans.append(Span(start + shift, end + shift, candidate.kind, part.operator, after))
        return spans


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


def composed(treated: str, spans: Sequence[Span], again: Sequence[Span]) -> list[Span]:
    """Return the spans of the original that do at once what `spans` and then `again` (of the treated text) do."""
    starts: list[int] = []  # where in the treated text each span's replacement begins
    ends: list[int] = []
    moved = 0
    for span in spans:
        starts.append(span.start + moved)
        moved += len(span.after) - (span.end - span.start)
        ends.append(span.end + moved)

    def origin(position: int) -> int:
        """Return where in the original a place between replacements is."""
        index = bisect_right(ends, position) - 1
        return position if index < 0 else spans[index].end + position - ends[index]

    result: list[Span] = []
    taken = 0
    for new in again:
        # Replacements that `new` touches; what was removed (an empty one) only when it stands inside.
        low, high = bisect_right(ends, new.start), bisect_left(starts, new.end)
        result += spans[taken:low]
        if low >= high:
            result.append(Span(origin(new.start), origin(new.end), new.kind, new.operator, new.after))
        else:
            head = treated[starts[low] : new.start]
            tail = treated[new.end : ends[high - 1]]
            start = spans[low].start if starts[low] <= new.start else origin(new.start)
            end = spans[high - 1].end if ends[high - 1] >= new.end else origin(new.end)
            if taken > low:  # the one before has taken the first of these already
                before = result.pop()
                start, head = before.start, before.after[: len(before.after) - len(treated[new.start : ends[low]])]
            result.append(Span(start, end, new.kind, new.operator, head + new.after + tail))
        taken = max(taken, low, high)
    return result + list(spans[taken:])


def build_text_plan(steps: Sequence[Step], keys: Keys) -> TextPlan | None:
    """Return the plan of a recipe's text operators, or None when it has none."""
    steps = [step for step in steps if step.operator.family == "text"]
    return TextPlan(steps, keys) if steps else None
