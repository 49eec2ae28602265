"""Surrogates: made-up values that keep form and language and belong to nobody, so that treating again changes nothing.

A surrogate is either no possible value of its kind (a personal number of day 32-59, a plate of letters that plates do
not have), or it is recognised by a check that only the dataset's key can make (`_checked`). An input that merely looks
like one is therefore still treated: a documentation address such as `anna@example.com` is an identifier like another.
"""

import re
from collections.abc import Callable, Iterator

from services.deid.engine.operator import Keys
from services.deid.engine.text.actions import digest, pseudonym


class Drawn:
    """Numbers drawn from a digest, the same ones for the same thing."""

    def __init__(self, seed: bytes) -> None:
        self._left = int.from_bytes(seed, "big")

    def below(self, limit: int) -> int:
        """Return the next number in [0, limit)."""
        self._left, number = divmod(self._left, limit)
        return number

    def digits(self, count: int) -> str:
        """Return `count` digits."""
        return "".join(str(self.below(10)) for _ in range(count))


def fill(written: str, digits: str) -> str:
    """Put other digits where the digits of `written` stand, the layout kept; what is left over goes to the end."""
    supply: Iterator[str] = iter(digits)
    filled = re.sub(r"\d", lambda _: next(supply, ""), written)
    return filled + "".join(supply)


def surrogate(keys: Keys, kind: str, normal: str, written: str) -> str:
    """Return the surrogate of a thing, in the form in which it was written."""
    make = _BY_KIND.get(kind)
    if make is None:
        return pseudonym(keys, kind, normal)
    return make(keys, normal, written, Drawn(digest(keys, kind, normal)))


def _personal_number(_keys: Keys, _normal: str, written: str, drawn: Drawn) -> str:
    """A day from 32 to 59, or from 92 to 99 in a coordination number: there is none such."""
    coordination = _normal[4:6] > "60"
    day = 92 + drawn.below(8) if coordination else 32 + drawn.below(28)
    ten = f"{40 + drawn.below(60)}{1 + drawn.below(12):02}{day}{drawn.digits(4)}"
    count = sum(c.isdigit() for c in written)
    return fill(written, "19" + ten if count == 12 else ten)


_RESERVED = (("8", "465004"), ("31", "390060"), ("40", "628040"), ("980", "319200"), ("70", "174060"))
"""Numbers that PTS keeps for books and films: area code and first number; a hundred from there (mobile: from 05)."""


def reserved_numbers() -> list[str]:
    """Return the 495 reserved Swedish numbers, without the leading 0."""
    ranges = ((846500400, 100), (313900600, 100), (406280400, 100), (980319200, 100), (701740605, 95))
    return [str(first + index) for first, count in ranges for index in range(count)]


def _phone(keys: Keys, normal: str, written: str, drawn: Drawn) -> str:
    """One of PTS's reserved numbers: of these a keyed eighth, so that a reserved number in a text is replaced too."""
    chosen = [n for n in reserved_numbers() if digest(keys, "surrogate", n)[0] % 8 == 0] or reserved_numbers()
    national = normal.removeprefix("+46")
    if national in chosen:
        return written
    mobile = [n for n in chosen if n[0] == "7"]
    pool = (mobile if national[:1] == "7" else [n for n in chosen if n[0] != "7"]) or chosen
    number = pool[drawn.below(len(pool))]
    digits = re.sub(r"\D", "", written)
    if digits.startswith("0") and not digits.startswith("00") and "+" not in written:
        return fill(written, "0" + number)
    if digits.startswith("0046"):
        return fill(written.replace("(0)", ""), "0046" + number)
    if digits.startswith("46"):
        return fill(written.replace("(0)", ""), "46" + number)
    return "+46" + number


CHECK = 4
"""Hexadecimal figures of a keyed check."""


def _checked(keys: Keys, sort: str, token: str) -> str:
    """Return the check of a made-up token, which only this key can make."""
    return digest(keys, f"surrogate-{sort}", token).hex()[:CHECK]


def _email(keys: Keys, normal: str, _written: str, drawn: Drawn) -> str:
    """An address at example.com (RFC 2606) whose local part ends with a keyed check."""
    made = re.fullmatch(r"person-([0-9a-f]{8})([0-9a-f]{4})@example\.com", normal)
    if made and _checked(keys, "email", made[1]) == made[2]:
        return _written
    token = f"{drawn.below(16**8):08x}"
    return f"person-{token}{_checked(keys, 'email', token)}@example.com"


_BY_KIND: dict[str, Callable[[Keys, str, str, Drawn], str]] = {
    "personal-number": _personal_number,
    "coordination-number": _personal_number,
    "phone": _phone,
    "email": _email,
}
