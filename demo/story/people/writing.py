"""Swedish texts: sentences of the named-entity corpus with planted identifiers, and how much of both was treated."""

import difflib
import html
import json
import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from .planting import Planted, plant

CORPUS = Path(__file__).resolve().parents[2] / "data" / "swedish-ner" / "test_corpus.txt"
LINES_A_DOCUMENT = 16
_TOKEN = re.compile(r"\w+|[^\w\s]")
_NO_SPACE_BEFORE = set(",.!?;:)»”%")

Token = tuple[str, str]
"""A token and its tag: PER, ORG, LOC, MISC or 0."""


@dataclass
class Document:
    """A plain text: each line is a sentence of the corpus (with its tokens) or a planted one (with none)."""

    path: str
    lines: list[tuple[str, list[Token]]] = field(default_factory=list[tuple[str, list[Token]]])


@dataclass
class Texts:
    """Everything that was written: plain documents, and what is planted in which file."""

    documents: list[Document]
    planted: dict[str, list[Planted]]


@dataclass(frozen=True)
class Shares:
    """How texts came out: shares of tokens."""

    unplanted_changed: float
    persons_treated: float
    tokens: int
    persons: int


def sentences() -> Iterator[list[Token]]:
    """Yield the corpus's sentences (see its README for the traps: mixed separators, no B-/I- marks)."""
    sentence: list[Token] = []
    for line in CORPUS.read_text(encoding="utf-8").splitlines():
        parts = line.rsplit(None, 1)
        if len(parts) == 2:
            sentence += [(part, parts[1]) for part in _TOKEN.findall(parts[0])]
        elif sentence:
            yield sentence
            sentence = []
    if sentence:
        yield sentence


def written(tokens: Sequence[Token]) -> str:
    """Return tokens as a sentence; the corpus has lost the spaces around punctuation, so they are set by rule."""
    text = ""
    for token, _tag in tokens:
        text += token if not text or token in _NO_SPACE_BEFORE else " " + token
    return text


def write(folder: Path, seed: int) -> Texts:
    """Write the texts below `folder`/texter and `folder`/arenden: plain, Markdown, HTML, JSON and CSV."""
    draw = random.Random(seed)
    texts = Texts([], {})
    (folder / "texter").mkdir(parents=True, exist_ok=True)
    pool = list(sentences())
    for number, start in enumerate(range(0, len(pool), LINES_A_DOCUMENT)):
        document = Document(f"texter/{number:04d}.txt")
        texts.planted[document.path] = []
        for tokens in pool[start : start + LINES_A_DOCUMENT]:
            document.lines.append((written(tokens), tokens))
            if draw.random() < 0.35:
                planted = plant(draw)
                texts.planted[document.path].append(planted)
                document.lines.append((planted.sentence, []))
        (folder / document.path).write_text("\n".join(line for line, _ in document.lines) + "\n", encoding="utf-8")
        texts.documents.append(document)
    _cases(folder, draw, texts)
    return texts


def _cases(folder: Path, draw: random.Random, texts: Texts) -> None:
    """The same kinds of identifiers in files of other forms; only what is planted is measured there."""
    (folder / "arenden").mkdir(parents=True, exist_ok=True)
    for number in range(8):
        planted = [plant(draw) for _ in range(12)]
        said = [p.sentence for p in planted]
        forms = {
            "md": "# Ärende\n\n" + "\n".join(f"- **Notering:** {line}" for line in said) + "\n",
            "html": "<!doctype html><html><body><h1>Ärende</h1>"
            + "".join(f"<p>Notering: <em>{html.escape(line)}</em></p>" for line in said)
            + "</body></html>\n",
            "json": json.dumps({"ärende": number, "noteringar": [{"text": line} for line in said]}, ensure_ascii=False),
            "csv": "nr;notering\n" + "".join(f'{row};"{line}"\n' for row, line in enumerate(said)),
        }
        form = tuple(forms)[number % len(forms)]
        path = f"arenden/{number:02d}.{form}"
        encoding = "utf-16" if number == 4 else "utf-8"
        (folder / path).write_text(forms[form], encoding=encoding)
        texts.planted[path] = planted


def _bare(text: str) -> str:
    return re.sub(r"[\W_]+", "", text).casefold()


def planted_left(planted: Sequence[Planted], treated: str) -> list[Planted]:
    """Return what is still there, as it was written or (numbers) with other separators."""
    bare = _bare(treated)

    def there(secret: str) -> bool:
        stripped = _bare(secret)
        return secret in treated or (len(stripped) >= 8 and stripped in bare)

    return [one for one in planted if any(there(secret) for secret in one.secrets)]


def shares(documents: Sequence[Document], treated: dict[str, str]) -> Shares:
    """Compare tokens line by line: what changed that was neither planted nor a person or place, and which persons."""
    others = changed = persons = gone = 0
    for document in documents:
        after = treated[document.path].split("\n")
        for (_line, tokens), treated_line in zip(document.lines, after, strict=False):
            if not tokens:
                continue
            kept = _kept([token for token, _ in tokens], _TOKEN.findall(treated_line))
            for (_token, tag), stays in zip(tokens, kept, strict=True):
                if tag == "PER":
                    persons += 1
                    gone += not stays
                elif tag != "LOC":
                    others += 1
                    changed += not stays
    return Shares(changed / max(others, 1), gone / max(persons, 1), others, persons)


def _kept(before: list[str], after: list[str]) -> list[bool]:
    kept = [False] * len(before)
    for block in difflib.SequenceMatcher(None, before, after, autojunk=False).get_matching_blocks():
        for place in range(block.a, block.a + block.size):
            kept[place] = True
    return kept


def persons_in(document: Document) -> set[str]:
    """Return the tokens tagged as person in a document, for the one who judges places of it."""
    return {token for _line, tokens in document.lines for token, tag in tokens if tag == "PER" and token[:1].isupper()}
