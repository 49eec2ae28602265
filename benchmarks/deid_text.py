"""Text: finding identifiers (names apart) in made-up Swedish documents, against Presidio's pattern recognisers.

Both find in the same documents, in one process and one thread each, in turn. Ours finds ten kinds of things; Presidio
has its Swedish recognisers and its generic ones. Recall is counted on what is planted: all its characters must be
covered by what was found, of whatever kind; once over everything, and once over the kinds that Presidio knows.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks.measure import Ratio, compare
from benchmarks.swedish_documents import Document, documents
from services.deid.engine.operator import REGISTRY, Keys, Step
from services.deid.engine.text import operators  # noqa: F401 - enters them in the registry
from services.deid.engine.text.pipeline import TextPlan, build_text_plan

ROOT = Path(__file__).resolve().parent.parent
PEERS = ROOT / ".factory" / "env" / "bench"
COUNT = 300
AGAIN = 5
"""How often ours goes through the documents in a measurement, so that both sides take about as long."""
SHARED = frozenset(("personal-number", "coordination-number", "phone", "email", "iban", "ip-address", "birth-date"))
"""Kinds that Presidio has a recogniser for."""


def run() -> list[Ratio]:
    """Measure documents a second, and write both sides' recall."""
    corpus = documents(20_260, COUNT)
    texts = [document.text for document in corpus]
    plan = _plan()

    def find() -> float:
        for _ in range(AGAIN):
            for text in texts:
                plan.find(text)
        return AGAIN * len(texts)

    def treat() -> float:
        for _ in range(AGAIN):
            for text in texts:
                plan.treat(text)
        return AGAIN * len(texts)

    with _presidio(texts) as ask:
        ours = [[(span.start, span.end) for span in plan.find(text)] for text in texts]
        theirs = json.loads(ask("spans"))
        results = [
            compare("find identifiers / Presidio's patterns", "documents/s", find, lambda: float(ask("find"))),
            compare("find and replace / Presidio's patterns", "documents/s", treat, lambda: float(ask("find"))),
        ]
    for name, kinds in (("all kinds", None), ("kinds that Presidio knows", SHARED)):
        shares = [_recall(corpus, spans, kinds) for spans in (ours, theirs)]
        sys.stdout.write(f"{'recall of ' + name:44} {shares[0]:10.1%} {'planted':14} peer {shares[1]:10.1%}\n")
    return results


def _plan() -> TextPlan:
    """Return a plan with every text operator but names and a recipe's own pattern."""
    names = [o for o in REGISTRY.all() if o.family == "text" and o.name not in ("text.name", "text.custom")]
    plan = build_text_plan([Step(operator, operator.params()) for operator in names], Keys("bench", os.urandom(32)))
    assert plan is not None
    return plan


@contextmanager
def _presidio(texts: Sequence[str]) -> Iterator["_Ask"]:
    """Start the peer in its own environment and yield what asks it."""
    with tempfile.NamedTemporaryFile("w", suffix=".json", encoding="utf-8") as file:
        json.dump(texts, file)
        file.flush()
        script = str(ROOT / "benchmarks" / "peers" / "presidio.py")
        with subprocess.Popen(  # noqa: S603 - our own script and interpreter
            [PEERS / "bin" / "python", script, file.name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        ) as process:
            yield _Ask(process)
            assert process.stdin is not None
            process.stdin.close()


class _Ask:
    """Asks the peer a word and returns its line."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def __call__(self, word: str) -> str:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(word + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            raise RuntimeError("the peer ended; is the peers' environment set up (make bench)?")
        return answer


def _recall(corpus: Sequence[Document], spans: list[list[tuple[int, int]]], kinds: frozenset[str] | None) -> float:
    """Return the share of planted identifiers whose letters and digits are all covered."""
    found = total = 0
    for document, covered in zip(corpus, spans, strict=True):
        hidden = {index for start, end in covered for index in range(start, end)}
        for kind, start, end in document.planted:
            if kinds is None or kind in kinds:
                total += 1
                found += all(i in hidden for i in range(start, end) if document.text[i].isalnum())
    return found / total
