"""Generalising: less is said, but not nothing. What is left is too coarse to point at one person."""

import ipaddress
import re

from services.deid.engine.text.kinds import label_of


def generalised(kind: str, normal: str, written: str) -> str:
    """Return the coarser form of a thing: decade of birth, year, country, network, region; else its label."""
    make = _BY_KIND.get(kind)
    return (make and make(normal, written)) or f"[{label_of(kind)}]"


def _decade(normal: str, written: str) -> str:
    """Return the decade of birth; without its century where the number did not tell it."""
    digits = re.sub(r"\D", "", written)
    century = digits[:2] if len(digits) == 12 and digits.endswith(normal) else ""
    return f"[BORN {century}{normal[0]}0s]"


def _year(normal: str, _written: str) -> str:
    """Return the year of a date in its normal form (`1985-07-09`)."""
    year = normal.split("-")[0]
    return year if len(year) == 4 else ""


def _country(normal: str, _written: str) -> str:
    return "[PHONE +46]" if normal.startswith("+46") else ""


def _bank_country(normal: str, _written: str) -> str:
    return f"[IBAN {normal[:2].upper()}]"


def _network(normal: str, _written: str) -> str:
    address = ipaddress.ip_address(normal)
    return str(ipaddress.ip_network((address, 24 if address.version == 4 else 48), strict=False))


def _region(_normal: str, written: str) -> str:
    """Return the first two figures of the postal code (a sorting region of PostNord), where there is one."""
    code = re.findall(r"(?<![0-9])([1-9][0-9])[0-9] ?[0-9]{2}(?![0-9])", written)
    return f"[ADDRESS {code[-1]}]" if code else ""


_BY_KIND = {
    "personal-number": _decade,
    "coordination-number": _decade,
    "birth-date": _year,
    "phone": _country,
    "iban": _bank_country,
    "ip-address": _network,
    "address": _region,
}
