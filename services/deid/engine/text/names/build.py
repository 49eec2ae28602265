"""Builds `lexicon.txt`: `python -m services.deid.engine.text.names.build TRAIN_CORPUS` (with the package `faker`).

Sources, all of which may be passed on with their names:

- the training split of `klintan/swedish-ner-corpus` (CC BY 4.0; made from Språkbanken's Webbnyheter 2012): the names in
  it, and its other words, which tell names from ordinary words. The test split is never read.
- the `faker` package (MIT): common first and last names by country; those of Sweden from Skatteverket and Isof.

The package is not needed to run the factory, only to build this file again.
"""

import importlib
import itertools
import re
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

Sentence = list[tuple[str, str]]
"""Tokens with their tags: `PER`, `ORG`, `LOC`, `MISC`, or `0` for none."""

LEXICON = Path(__file__).with_name("lexicon.txt")
_NAME = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
_FOREIGN = (
    "az_AZ cs_CZ da_DK de_AT de_DE en_GB en_IE en_IN en_KE en_NZ en_PK en_US es_ES es_MX et_EE fi_FI fr_BE fr_FR hr_HR "
    "hu_HU id_ID is_IS it_IT lt_LT lv_LV nl_BE nl_NL no_NO pl_PL pt_BR pt_PT ro_RO sk_SK sl_SI sw tr_TR uz_UZ vi_VN"
).split()
"""Countries whose names faker has in Latin letters."""

HEADER = """\
# Names of people and words that are none, for the operator text.name. Made by build.py; do not edit.
# Names and words of the sections that begin with `corpus` come from the training split of
# https://github.com/klintan/swedish-ner-corpus (commit 87950716635b2bc6971717e6c0656c902a3831e2), made from
# Språkbanken's Webbnyheter 2012, licence CC BY 4.0 (https://creativecommons.org/licenses/by/4.0/): words
# were taken out of their sentences, put in lower case, sorted and counted.
# The other sections come from https://github.com/joke2k/faker (MIT), whose Swedish lists are of Skatteverket and Isof.
"""


def sentences(lines: Iterable[str]) -> list[Sentence]:
    """Return the sentences of the corpus. Separators are tabs or spaces; a line without a tag is dropped."""
    found: list[Sentence] = [[]]
    for line in lines:
        parts = line.strip().rsplit(None, 1)
        if not parts:
            found.append([])
        elif len(parts) == 2:
            found[-1].append((parts[0].replace("\u00ad", ""), parts[1]))
    return [sentence for sentence in found if sentence]


def corpus_sections(corpus: list[Sentence]) -> dict[str, set[str]]:
    """Return the sections that come from the corpus."""
    first: Counter[str] = Counter()
    last: Counter[str] = Counter()
    alone: Counter[str] = Counter()
    for sentence in corpus:
        for tag, group in itertools.groupby(sentence, key=lambda pair: pair[1]):
            if tag != "PER":
                continue
            run = [token.rstrip("0123456789") for token, _ in group]
            run = [token for token in run if token[:1].isupper() and token[1:].islower() and len(token) > 2]
            if len(run) == 1:
                alone[run[0].lower()] += 1
            elif run:
                first[run[0].lower()] += 1
                last[run[-1].removesuffix("s").lower() if run[-1].endswith("ss") else run[-1].lower()] += 1
    words = Counter(token for sentence in corpus for token, tag in sentence if tag == "0" and token.isalpha())
    others = Counter(
        token.lower()
        for sentence in corpus
        for token, tag in sentence
        if tag in ("ORG", "LOC", "MISC") and token.isalpha()
    )
    openers = Counter(
        sentence[0][0].lower() for sentence in corpus if sentence[0][1] == "0" and sentence[0][0].isalpha()
    )
    return {
        "corpus-first": set(first),
        "corpus-last": set(last),
        "corpus-alone": set(alone),
        "corpus-words": {word for word in words if word.islower() and len(word) > 1},
        "corpus-others": set(others),
        "corpus-openers": set(openers),
    }


def faker_sections() -> dict[str, set[str]]:
    """Return the sections that come from faker: names of Sweden, and of other countries."""
    sections: dict[str, set[str]] = {name: set() for name in ("first", "last", "foreign-first", "foreign-last")}
    for locale in ("sv_SE", *_FOREIGN):
        provider = importlib.import_module(f"faker.providers.person.{locale}").Provider
        prefix = "" if locale == "sv_SE" else "foreign-"
        for attribute in dir(provider):
            which = attribute.split("_")[0]
            values = getattr(provider, attribute)
            if attribute.startswith(("first_name", "last_name")) and isinstance(values, (list, tuple, Mapping)):
                sections[prefix + which] |= {name.lower() for name in values if _NAME.fullmatch(name) and len(name) > 1}
    return sections


def text_of(sections: Mapping[str, set[str]]) -> str:
    """Return the file: sections of sorted words, a line a first letter."""
    lines = [HEADER]
    for name, words in sections.items():
        lines.append(f"[{name}]\n")
        lines.extend(" ".join(group) + "\n" for _, group in itertools.groupby(sorted(words), key=lambda word: word[0]))
    return "".join(lines)


def main() -> int:
    """Build the file from the training split named on the command line."""
    corpus = sentences(Path(sys.argv[1]).read_text("utf-8").splitlines())
    LEXICON.write_text(text_of({**corpus_sections(corpus), **faker_sections()}), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
