"""Addresses on the net: e-mail (RFC 5322's addr-spec as people write it, RFC 6531) and IP (RFC 791, RFC 4291)."""

import ipaddress
import re
from collections.abc import Iterator

from services.deid.engine.text.scan import Scan
from services.deid.engine.text.spans import Candidate

_LOCAL_AT_MOST = 64  # RFC 5321, 4.5.3.1.1
_LOCAL = re.compile(r"(?:\"[^\"\r\n]{1,62}\"|[\w.!#$%&'*+/=?^`{|}~-]+)(?P<gap>[ \t]?(?:\r?\n[ \t]*)?)$")
_DOMAIN = re.compile(
    r"\s{0,3}(?:\[[0-9A-Fa-f.:]{3,45}\]|(?:[^\W_](?:[\w-]{0,62})?)(?:\.(?:\r?\n)?[^\W_][\w-]{0,62}){0,8})"
)
_AT = re.compile(r"@|[ \t]?[\(\[{<][ \t]?(?:at|snabel-?a|ät)[ \t]?[\)\]}>][ \t]?", re.IGNORECASE)
_DOT = re.compile(r"[ \t]?[\(\[{][ \t]?(?:dot|punkt)[ \t]?[\)\]}][ \t]?", re.IGNORECASE)
_TRIM = ".!#$%&'*/=?^`{|}~-"


def find_emails(scan: Scan) -> Iterator[Candidate]:
    """Yield e-mail addresses; `normal` is in lower case."""
    text = scan.text
    if "@" not in text and "(" not in text and "[" not in text and "{" not in text:
        return
    done = 0
    for sign in _AT.finditer(text):
        local = _LOCAL.search(text, max(done, sign.start() - _LOCAL_AT_MOST - 4), sign.start())
        domain = _DOMAIN.match(text, sign.end())
        if local is None or domain is None:
            continue
        start = local.start()
        while start < local.end("gap") and text[start] in _TRIM:
            start += 1
        if start >= local.start("gap"):
            continue
        end = domain.end()
        written = text[start:end]
        spaced = bool(local["gap"]) or domain.group()[0].isspace()
        if spaced and ("." not in domain.group() or not re.search(r"[\r\n]|\.[A-Za-z]{2,}$", written)):
            continue
        if len(sign.group()) > 1 and "." not in domain.group():
            dotted = _DOT.match(text, end)
            more = dotted and _DOMAIN.match(text, dotted.end())
            if not more:
                continue
            end = more.end()
        done = end
        normal = re.sub(r"\s+", "", _DOT.sub(".", _AT.sub("@", text[start:end]))).lower()
        yield Candidate(start, end, "email", normal)


_V4 = re.compile(
    r"(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])(?:\.(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])){3}(?![0-9])"
)
_V6 = re.compile(r"(?<![0-9A-Za-z:.])[0-9A-Fa-f:]{2,45}(?:(?:[0-9]{1,3}\.){3}[0-9]{1,3})?(?![0-9A-Za-z])")
_NETWORK = re.compile(r"/[0-9]{1,3}(?![0-9])")


def find_ips(scan: Scan) -> Iterator[Candidate]:
    """Yield IP addresses of both versions; `normal` is the address in its shortest form."""
    text = scan.text
    for cluster in scan.clusters:
        if cluster.digits < 4 or len(cluster.runs) < 4:
            continue
        done = -1
        for start, _ in cluster.runs:
            if start < done:
                continue
            match = _V4.match(text, start)
            if match and not _is_network(text, match.group(), match.end()):
                done = match.end()
                yield Candidate(start, done, "ip-address", match.group())
    if "::" not in text and text.count(":") < 7:
        return
    for match in _V6.finditer(text):
        written = match.group()
        if written.count(":") < 2:
            continue
        end = match.end()
        while written.endswith(":") and not written.endswith("::"):
            written, end = written[:-1], end - 1
        try:
            address = ipaddress.IPv6Address(written)
        except ValueError:
            continue
        if len(written) > 2 and not _is_network(text, written, end):
            yield Candidate(match.start(), end, "ip-address", str(address))


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
