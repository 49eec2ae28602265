"""What a steward does who looks at places of a treated version – played by someone who knows what was planted."""

import base64
import io
import re
from typing import Any

from .people import People, looking, writing

# pyright: reportMissingImports=false

_SPAN = re.compile(r"(\d+)\s*[–-]\s*(\d+)")


class Steward:
    """Judges places honestly: with the donated folder open beside the treated one."""

    def __init__(self, people: People) -> None:
        self._people = people
        self._documents = {document.path: document for document in people.texts.documents}

    def judge(self, sample: dict[str, Any]) -> str:
        """Return `right`, `missed` or `needless` for one place."""
        if sample["sort"] == "treated":
            return "right" if self._was_right(sample) else "needless"
        return "missed" if self._was_missed(sample) else "right"

    def _was_right(self, sample: dict[str, Any]) -> bool:
        """Whether what was treated was personal: only for names in the corpus's sentences can one be wrong here."""
        document, span = self._documents.get(sample["path"]), _SPAN.search(str(sample["place"]))
        if document is None or span is None:
            return True
        start, end = int(span[1]), int(span[2])
        at = 0
        for line, tokens in document.lines:
            if at <= start < at + len(line) + 1:
                named = {token for token, tag in tokens if tag in ("PER", "LOC")}
                return not tokens or any(token in line[max(0, start - at) : end - at] for token in named)
            at += len(line) + 1
        return True

    def _was_missed(self, sample: dict[str, Any]) -> bool:
        if sample.get("picture"):
            return _has_face(base64.b64decode(str(sample["picture"]).rpartition(",")[2]))
        text = str(sample["after"])
        planted = [*self._people.texts.planted.get(sample["path"], []), *self._people.register.planted]
        if writing.planted_left(planted, text):
            return True
        document = self._documents.get(sample["path"])
        persons = writing.persons_in(document) if document else set[str]()
        return bool(persons & set(re.findall(r"\w+", text)))


def _has_face(picture: bytes) -> bool:
    import numpy
    from PIL import Image

    grey = numpy.asarray(Image.open(io.BytesIO(picture)).convert("L"))
    frontal = looking.cascade("haarcascade_frontalface_default.xml")
    return len(frontal.detectMultiScale(grey, scaleFactor=1.1, minNeighbors=8, minSize=(40, 40))) > 0
