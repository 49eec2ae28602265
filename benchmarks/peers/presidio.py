"""Presidio's pattern recognisers, Swedish and generic, without a language model: run in the peers' environment.

Reads a file of documents (JSON list of strings). Answers each line on standard input with one line: `find` with how
many documents it analysed, after doing so; `spans` with what it found in each, as JSON.
"""

import json
import sys
from pathlib import Path
from typing import Any

import presidio_analyzer.predefined_recognizers as recognizers
import tldextract
from presidio_analyzer import AnalyzerEngine, RecognizerRegistry
from presidio_analyzer.nlp_engine import NoOpNlpEngine

LANGUAGE = "sv"


def engine() -> AnalyzerEngine:
    """Return the analyser with the recognisers that know Swedish or every country's forms."""
    # By default it would fetch the list of public suffixes from the network; the package brings one along.
    tldextract.extract = tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None)
    r: Any = recognizers
    generic = (
        r.CreditCardRecognizer, r.CryptoRecognizer, r.DateRecognizer, r.EmailRecognizer, r.IbanRecognizer,
        r.IpRecognizer, r.MacAddressRecognizer, r.UrlRecognizer, r.UuidRecognizer,
    )  # fmt: skip
    chosen = [
        r.SePersonnummerRecognizer(),
        r.SeOrganisationsnummerRecognizer(),
        r.PhoneRecognizer(supported_language=LANGUAGE, supported_regions=("SE",)),
        *(recognizer(supported_language=LANGUAGE) for recognizer in generic),
    ]
    return AnalyzerEngine(
        registry=RecognizerRegistry(recognizers=chosen, supported_languages=[LANGUAGE]),
        nlp_engine=NoOpNlpEngine(models=[{"lang_code": LANGUAGE, "model_name": "none"}]),
        supported_languages=[LANGUAGE],
    )


def main() -> None:
    """Serve one benchmark."""
    texts = json.loads(Path(sys.argv[1]).read_text("utf-8"))
    analyser = engine()
    for line in sys.stdin:
        found = [analyser.analyze(text, language=LANGUAGE) for text in texts]
        spans = [[(result.start, result.end) for result in results] for results in found]
        sys.stdout.write((json.dumps(spans) if line.strip() == "spans" else str(len(texts))) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
