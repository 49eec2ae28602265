"""Surrogates: made-up values that keep form and language and belong to nobody, so that treating again changes nothing.

A surrogate is either no possible value of its kind (a personal number of day 32-59, a plate of letters that plates do
not have, an invented name), and so is not found again; or it carries a check that only the dataset's key can make, and
is then known again. An input that merely looks like one is therefore still treated: a documentation address such as
`anna@example.com` or `192.0.2.7` is an identifier like another. PTS's reserved telephone numbers are too few to carry a
check: a keyed eighth of them are surrogates, and only a text that holds one of these keeps it.
"""

import ipaddress
import re
from collections.abc import Callable, Iterator

from services.deid.engine.operator import Keys
from services.deid.engine.text.actions import ALPHABET, digest, pseudonym
from services.deid.engine.text.names.invented import PLACES, STREETS, invented_name


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
        return f"{self.below(10**count):0{count}}"

    def letters(self, count: int) -> str:
        """Return `count` letters of the pseudonyms' alphabet."""
        return "".join(ALPHABET[self.below(16)] for _ in range(count))


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


def _check(keys: Keys, sort: str, token: str) -> bytes:
    """Return the check of a made-up token, which only this key can make."""
    return digest(keys, f"surrogate-{sort}", token)


def _personal_number(_keys: Keys, normal: str, written: str, drawn: Drawn) -> str:
    """A day from 32 to 59, or from 92 to 99 in a coordination number: there is none such."""
    day = 92 + drawn.below(8) if normal[4:6] > "60" else 32 + drawn.below(28)
    ten = f"{40 + drawn.below(60)}{1 + drawn.below(12):02}{day}{drawn.digits(4)}"
    if written[0].isalpha():
        return fill(written, ten + "01")
    return fill(written, "19" + ten if sum(c.isdigit() for c in written) == 12 else ten)


def _reserved() -> list[str]:
    """The 495 Swedish numbers that PTS keeps for books and films, without the leading 0."""
    ranges = ((846500400, 100), (313900600, 100), (406280400, 100), (980319200, 100), (701740605, 95))
    return [str(first + index) for first, count in ranges for index in range(count)]


def _phone(keys: Keys, normal: str, written: str, drawn: Drawn) -> str:
    chosen = [number for number in _reserved() if _check(keys, "phone", number)[0] % 8 == 0] or _reserved()
    national = normal.removeprefix("+46")
    if national in chosen:
        return written
    digits = re.sub(r"\D", "", written)
    local = digits.startswith("0") and not digits.startswith("00") and "(0)" not in written
    area = re.match(r"\D*0(\d{1,3})\D", written) if local else None
    alike = [n for n in chosen if (n[0] == "7") == (national[:1] == "7")] or chosen
    if area and national[:1] != "7":  # the layout of an area code of that length
        alike = [n for n in alike if len(area[1]) == _AREA[n[0]]] or alike
    number = alike[drawn.below(len(alike))]
    if local:
        return fill(written, "0" + number)
    if digits.startswith("0046"):
        return fill(written.replace("(0)", ""), "0046" + number)
    if digits.startswith("46"):
        return fill(written.replace("(0)", ""), "46" + number)
    return "+46" + number


_AREA = {"8": 1, "3": 2, "4": 2, "9": 3, "7": 2}
"""Length of the area code of a reserved number, by its first digit."""


def _email(keys: Keys, normal: str, written: str, drawn: Drawn) -> str:
    """An address at example.com (RFC 2606) whose local part ends with a keyed check."""
    made = re.fullmatch(rf"person-([{ALPHABET}]{{8}})([{ALPHABET}]{{4}})@example\.com", normal)
    if made and Drawn(_check(keys, "email", made[1])).letters(4) == made[2]:
        return written
    token = drawn.letters(8)
    return f"person-{token}{Drawn(_check(keys, 'email', token)).letters(4)}@example.com"


def _iban(keys: Keys, normal: str, written: str, drawn: Drawn) -> str:
    """Check digits 00, which no IBAN has, and a keyed check at the end; length and layout stay."""
    size = len(normal) - 4
    if normal[2:4] == "00" and Drawn(_check(keys, "iban", normal[4:-4])).digits(4) == normal[-4:]:
        return written
    account = drawn.digits(size - 4)
    supply = iter("00" + account + Drawn(_check(keys, "iban", account)).digits(4))
    return written[:2] + re.sub(r"[A-Za-z0-9]", lambda _: next(supply), written[2:])


def _giro(_keys: Keys, _normal: str, written: str, drawn: Drawn) -> str:
    """Leading zeros, which no giro number has."""
    count = sum(c.isdigit() for c in written)
    return fill(written, "0" * (count - count // 2) + drawn.digits(count // 2) if count > 1 else "0")


def _ip(keys: Keys, normal: str, written: str, drawn: Drawn) -> str:
    """An address of 240.0.0.0/4 (reserved, RFC 1112) or 2001:db8::/32 (RFC 3849) with a keyed check in it."""
    address = ipaddress.ip_address(normal)
    if address.version == 4:
        first, second, third, last = address.packed
        if first == 240 and _check(keys, "ip", f"{second}.{third}")[0] == last:
            return written
        token = f"{drawn.below(256)}.{drawn.below(256)}"
        return f"240.{token}.{_check(keys, 'ip', token)[0]}"
    packed = address.packed
    if packed[:4] == _DOCUMENTATION and _check(keys, "ip", packed[4:10].hex())[:6] == packed[10:]:
        return written
    token = bytes(drawn.below(256) for _ in range(6))
    return str(ipaddress.IPv6Address(_DOCUMENTATION + token + _check(keys, "ip", token.hex())[:6]))


_DOCUMENTATION = bytes.fromhex("20010db8")


def _plate(_keys: Keys, _normal: str, written: str, drawn: Drawn) -> str:
    """Letters that plates do not have."""
    letters = "".join("IQV"[drawn.below(3)] for _ in range(3))
    figures = drawn.digits(3)
    last = "ABCDEFGHJKLMNPRSTUWXYZ"[drawn.below(22)]
    made = letters + (figures if written[-1].isdigit() else figures[:2] + last)
    supply = iter(made if written[0].isupper() else made.lower())
    return re.sub(r"\w", lambda _: next(supply, ""), written)


def _birth_date(_keys: Keys, normal: str, written: str, drawn: Drawn) -> str:
    """A day from 32 to 39 and another year."""
    year, _, day = normal.split("-")
    day_now = str(32 + drawn.below(8))
    numbers = [match.group() for match in re.finditer(r"\d+", written)]
    if len(numbers) == 1 and len(numbers[0]) in (6, 8):
        return fill(
            written, f"19{drawn.below(50) + 40}"[-(len(numbers[0]) - 4) :] + f"{1 + drawn.below(12):02}{day_now}"
        )
    done = False

    def other(match: re.Match[str]) -> str:
        nonlocal done
        if match.group() == year and len(year) >= 2 and (len(year) == 4 or done or len(numbers) < 3):
            return f"19{40 + drawn.below(50)}"[-len(year) :]
        if not done and int(match.group()) == int(day):
            done = True
            return day_now
        return match.group()

    return re.sub(r"\d+", other, written)


def _address(_keys: Keys, _normal: str, written: str, drawn: Drawn) -> str:
    """An invented street, a postal code that begins with 0 (none does) and an invented town."""
    street, town = STREETS[drawn.below(len(STREETS))], PLACES[drawn.below(len(PLACES))]
    if any(re.search(rf"\b{name}\b", written) for name in (*STREETS, *PLACES)):
        return written
    code = f"0{drawn.digits(2)} {drawn.digits(2)}"
    number = str(1 + drawn.below(99))
    has_code = re.search(r"(?<![0-9])[1-9][0-9]{2}\s{0,2}[0-9]{2}(?![0-9])", written)
    if has_code is None:
        return f"{street} {number}"
    place = f"{code} {town}" if re.search(r"\w", written[has_code.end() :]) else code
    return f"{street} {number}, {place}" if re.search(r"\w{3}", written[: has_code.start()]) else place


def _name(keys: Keys, _normal: str, written: str, _drawn: Drawn) -> str:
    """Each part becomes an invented name of its kind and case, the same one wherever that part occurs."""
    return invented_name(written, lambda role, part: Drawn(digest(keys, f"name-{role}", part)).below(1 << 32))


_BY_KIND: dict[str, Callable[[Keys, str, str, Drawn], str]] = {
    "personal-number": _personal_number,
    "coordination-number": _personal_number,
    "phone": _phone,
    "email": _email,
    "iban": _iban,
    "bankgiro": _giro,
    "plusgiro": _giro,
    "ip-address": _ip,
    "number-plate": _plate,
    "birth-date": _birth_date,
    "address": _address,
    "name": _name,
}
