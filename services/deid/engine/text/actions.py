"""What is put in place of what was found: the six actions.

The same thing, however written, is given the same pseudonym and the same surrogate under one key, in every file and
table of a dataset: both are made from an HMAC-SHA256 (FIPS 198-1) over the kind and the normal form.
"""

import hashlib
import hmac
import re
from collections.abc import Callable
from typing import Literal

from services.deid.engine.operator import Keys
from services.deid.engine.text.kinds import LABELS, label_of

Action = Literal["remove", "mask", "label", "generalise", "pseudonymise", "surrogate"]

MASK = "█"
ALPHABET = "bcdfghjklmnpqrst"
"""Sixteen consonants: a pseudonym holds no digit and no vowel, so that no finder takes it for something."""
PSEUDONYM_LENGTH = 12
"""48 bits: among 100,000 people the chance that any two share a pseudonym is below one in 50,000."""

_ONE_PERSON = {"coordination-number": "personal-number"}
"""Kinds whose normal forms are of one sort, so that one normal form is one pseudonym."""


def digest(keys: Keys, kind: str, normal: str) -> bytes:
    """Return 32 bytes that stand for a thing of a kind under the dataset's key."""
    message = f"{_ONE_PERSON.get(kind, kind)}\0{normal}".encode("utf-8", "surrogatepass")
    return hmac.new(keys.pseudonym, message, hashlib.sha256).digest()


def pseudonym(keys: Keys, kind: str, normal: str) -> str:
    """Return the pseudonym of a thing by its normal form: `PERSON-kqmtbdfhglps`."""
    hexadecimal = digest(keys, kind, normal).hex()[:PSEUDONYM_LENGTH]
    return f"{label_of(kind)}-" + "".join(ALPHABET[int(figure, 16)] for figure in hexadecimal)


def mask(written: str) -> str:
    """Return as many full blocks as there were characters; line ends stay."""
    return re.sub(r"[^\r\n]", MASK, written)


Render = Callable[[str, str, str], str]
"""(kind, normal form, as written) to what stands there now."""


def renderer(action: Action, keys: Keys) -> Render:
    """Return the function that carries an action out."""
    from services.deid.engine.text.generalise import generalised
    from services.deid.engine.text.surrogates import surrogate

    match action:
        case "remove":
            return lambda _kind, _normal, _written: ""
        case "mask":
            return lambda _kind, _normal, written: mask(written)
        case "label":
            labels = {kind: f"[{label}]" for kind, label in LABELS.items()}
            return lambda kind, _normal, _written: labels.get(kind) or f"[{label_of(kind)}]"
        case "generalise":
            return lambda kind, normal, written: generalised(kind, normal, written)
        case "pseudonymise":
            return lambda kind, normal, _written: pseudonym(keys, kind, normal)
        case "surrogate":
            return lambda kind, normal, written: surrogate(keys, kind, normal, written)
