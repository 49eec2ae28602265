"""Addresses on the net: e-mail (RFC 5322's addr-spec as people write it, RFC 6531) and IP (RFC 791, RFC 4291)."""

import ipaddress
import re
from collections.abc import Iterator

from services.deid.engine.text.scan import Scan
from services.deid.engine.text.spans import Candidate

_LOCAL_AT_MOST = 64  # RFC 5321, 4.5.3.1.1
_LOCAL = re.compile(r"(?P<gap>(?:[ \t]*\n\r?)?[ \t]?)(?P<name>\"[^\"\r\n]{1,62}\"|[\w.!#$%&'*+/=?^`{|}~-]{1,64})")
_DOMAIN = re.compile(
    r"\s{0,3}(?:\[[0-9A-Fa-f.:]{3,45}\]|(?:[^\W_](?:[\w-]{0,62})?)(?:\.(?:\r?\n)?[^\W_][\w-]{0,62}){0,8})"
)
_AT = re.compile(r"@|[ \t]?[\(\[{<][ \t]?(?:at|snabel-?a|ät)[ \t]?[\)\]}>][ \t]?", re.IGNORECASE)
_WHOLE = re.compile(r"[\r\n]|\.[A-Za-z]{2,}$")
_SIGN = re.compile("@")
_SPELLED_AT = re.compile(rb"[(\[{<] ?(?:[a\xe4]t|snabel)")
_DOT = re.compile(r"[ \t]?[\(\[{][ \t]?(?:dot|punkt)[ \t]?[\)\]}][ \t]?", re.IGNORECASE)
_TRIM = ".!#$%&'*/=?^`{|}~-"


def find_emails(scan: Scan) -> Iterator[Candidate]:
    """Yield e-mail addresses; `normal` is in lower case."""
    text = scan.text
    shape = scan.shape
    spelled = (b"(" in shape or b"[" in shape or b"{" in shape) and _SPELLED_AT.search(shape)
    if not spelled and b"@" not in shape:
        return
    signs = _AT if spelled else _SIGN
    done = 0
    for sign in signs.finditer(text):
        at = sign.start()
        # The local part is read backwards from the sign.
        behind = text[max(done, at - _LOCAL_AT_MOST - 4) : at][::-1]
        local = _LOCAL.match(behind)
        domain = _DOMAIN.match(text, sign.end())
        if local is None or domain is None:
            continue
        name = local["name"].rstrip(_TRIM)
        if not name:
            continue
        start, end = at - len(local["gap"]) - len(name), domain.end()
        spaced = bool(local["gap"]) or domain.group()[0].isspace()
        if spaced and ("." not in domain.group() or not _WHOLE.search(text[start:end])):
            continue
        if len(sign.group()) > 1 and "." not in domain.group():
            dotted = _DOT.match(text, end)
            more = dotted and _DOMAIN.match(text, dotted.end())
            if not more:
                continue
            end = more.end()
        done = end
        yield Candidate(start, end, "email", "".join(_DOT.sub(".", _AT.sub("@", text[start:end])).split()).lower())


_V4 = re.compile(rb"9(?<!9.)(?<!9\..)9{0,2}\.9{1,3}\.9{1,3}\.9{1,3}(?!9)(?!\.9)")
_V6 = re.compile(r"(?<![0-9A-Za-z:.])[0-9A-Fa-f:]{2,45}(?:(?:[0-9]{1,3}\.){3}[0-9]{1,3})?(?![0-9A-Za-z])")
_NETWORK = re.compile(r"/[0-9]{1,3}(?![0-9])")


def find_ips(scan: Scan) -> Iterator[Candidate]:
    """Yield IP addresses of both versions; `normal` is the address in its shortest form."""
    text = scan.text
    shape = scan.shape
    for match in _V4.finditer(shape):
        start, end = match.span()
        octets = [int(octet) for octet in text[start:end].split(".")]
        if max(octets) < 256 and shape[start - 1 : start] != b"9" and shape[start - 2 : start] != b"9.":
            address = ".".join(map(str, octets))
            if not _is_network(text, address, end):
                yield Candidate(start, end, "ip-address", address)
    done = 0
    at = shape.find(b":")
    while at >= 0:
        start = max(done, at - 4)
        match = _run_over(text, start, at) if shape.startswith(_V6_SHAPES, at) else None
        found = _v6(text, match) if match else None
        if found:
            yield found
        done = found.end if found else done
        at = shape.find(b":", max(done, at + 1))


def _run_over(text: str, start: int, at: int) -> re.Match[str] | None:
    """Return the run of an address's characters that `at` is in; one that ends before it (`a: ::1`) is passed over."""
    match = _V6.search(text, start, at + 45)
    while match is not None and match.end() <= at:
        match = _V6.search(text, match.end(), at + 45)
    return match


_V6_SHAPES = tuple(b":" + bytes([byte]) for byte in b":9abcdef")


def _v6(text: str, match: re.Match[str]) -> Candidate | None:
    """Return the address of version 6 that a run of its characters is, or None."""
    written, end = match.group(), match.end()
    if written.count(":") < 2 or len(written) < 3:
        return None
    if written.endswith(":") and not written.endswith("::"):
        written, end = written[:-1], end - 1
    try:
        address = ipaddress.IPv6Address(written)
    except ValueError:
        return None
    return None if _is_network(text, written, end) else Candidate(match.start(), end, "ip-address", str(address))


def _is_network(text: str, address: str, end: int) -> bool:
    """Whether the address is that of a network of many (`192.0.2.0/24`), which is what generalising gives."""
    length = _NETWORK.match(text, end)
    if length is None:
        return False
    try:
        ipaddress.ip_network(address + length.group())
    except ValueError:
        return False
    return int(length.group()[1:]) <= (24 if "." in address else 64)
