"""Reads JSON-LD as far as a policy needs it, and refuses the rest. Pure: nothing is ever fetched.

JSON-LD has ways of saying things twice, elsewhere or not at all (remote contexts, @graph, references, null, keys that
no context defines and that are therefore dropped). Each of them could hide a constraint, so none of them is read.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, NoReturn, cast

from services.access.terms.vocabulary import (
    ODRL_CONTEXT,
    ODRL_TERMS,
    PREFIXES,
    PROFILE,
    PROFILE_TERMS,
    Fault,
)

MAX_BYTES = 64 * 1024
MAX_DEPTH = 12
MAX_FAULTS = 100
_DIGITS = re.compile(r"-?\d{1,18}", re.ASCII)
_IRI = re.compile(r"(?:https?://|urn:)[!-~]{1,500}", re.ASCII)
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"?', re.DOTALL)


class _Twice(ValueError):
    """A JSON object names one member twice."""


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise _Twice
    return members


def _constant(_name: str) -> NoReturn:
    raise ValueError("NaN and Infinity are not JSON")


def parse(body: bytes) -> Any | Fault:
    """Return the JSON value in `body`, or the one thing that keeps it from being read (RFC 8259).

    At most MAX_BYTES and MAX_DEPTH; an object that names a member twice is refused: readers disagree on which counts.
    """
    if len(body) > MAX_BYTES:
        return Fault("", "policy-too-large", {"limit": str(MAX_BYTES)})
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        return Fault("", "policy-not-json")
    depth = deepest = 0
    for char in _STRING.sub("", text):
        depth += (char in "[{") - (char in "]}")
        deepest = max(deepest, depth)
    if deepest > MAX_DEPTH:
        return Fault("", "policy-too-deep", {"limit": str(MAX_DEPTH)})
    try:
        return json.loads(text, object_pairs_hook=_unique, parse_constant=_constant)
    except _Twice:
        return Fault("", "member-twice")
    except ValueError:
        return Fault("", "policy-not-json")


def child(pointer: str, key: str | int) -> str:
    """Return the JSON pointer of a member of what `pointer` points at (RFC 6901)."""
    return f"{pointer}/{str(key).replace('~', '~0').replace('/', '~1')}"


class Member(NamedTuple):
    """A value and where it stands."""

    pointer: str
    value: Any


@dataclass
class Reader:
    """What the context defines, and the faults found so far."""

    terms: dict[str, str] = field(default_factory=dict[str, str])
    prefixes: dict[str, str] = field(default_factory=dict[str, str])
    faults: list[Fault] = field(default_factory=list[Fault])
    ids: set[str] = field(default_factory=set[str])

    def fault(self, pointer: str, code: str, **params: object) -> None:
        """Note that what stands at `pointer` cannot be kept."""
        if len(self.faults) < MAX_FAULTS:
            told = {name: _printable(str(value)) for name, value in params.items()}
            self.faults.append(Fault(pointer, code, told))

    def read_context(self, context: Member) -> None:
        """Take in the contexts that are known: the W3C's, ours, and prefixes as themselves."""
        for pointer, entry in items(context):
            if entry == ODRL_CONTEXT:
                self.terms |= ODRL_TERMS
                self.prefixes |= {name: PREFIXES[name] for name in ("odrl", "xsd", "cc")}
            elif entry == PROFILE:
                self.terms |= PROFILE_TERMS
                self.prefixes["df"] = PROFILE
            elif isinstance(entry, dict):
                for name, iri in cast(dict[str, Any], entry).items():
                    if isinstance(iri, str) and PREFIXES.get(name) == iri:
                        self.prefixes[name] = iri
                    else:
                        self.fault(child(pointer, name), "context-unknown", name=name)
            else:
                self.fault(pointer, "context-unknown", name=entry if isinstance(entry, str) else _kind(entry))

    def iri(self, text: str, *, vocabulary: bool = True) -> str | None:
        """Return the IRI that a term, compact IRI or absolute IRI stands for; None if it stands for none."""
        if vocabulary and text in self.terms:
            return self.terms[text]
        prefix, colon, rest = text.partition(":")
        if colon and prefix in self.prefixes and not rest.startswith("//"):
            text = self.prefixes[prefix] + rest
        return text if _IRI.fullmatch(text) else None

    def node(self, at: Member, allowed: Mapping[str, str], required: tuple[str, ...] = ()) -> dict[str, Member] | None:
        """Return the members of a node object by IRI; note each that is unknown, not `allowed` here, null or empty.

        `allowed` gives IRI → code: "" where it may stand, otherwise the code to refuse it with.
        """
        if not isinstance(at.value, dict):
            self.fault(at.pointer, "object-expected")
            return None
        members: dict[str, Member] = {}
        faults = len(self.faults)
        for key, value in cast(dict[str, Any], at.value).items():
            pointer = child(at.pointer, key)
            name = key if key.startswith("@") else self.iri(key)
            if name is None or name not in allowed:
                self.fault(pointer, "unknown-key", name=key)
            elif allowed[name]:
                self.fault(pointer, allowed[name], name=key)
            elif name in members:
                self.fault(pointer, "member-twice", name=key)
            elif value is None or value in ([], {}, ""):
                self.fault(pointer, "empty-value", name=key)
            else:
                members[name] = Member(pointer, value)
        self._identify(members.get("@id"))
        for name in required:
            # Something else wrong here may be why it is not found.
            if name not in members and len(self.faults) == faults:
                self.fault(at.pointer, "key-missing", name=name.rpartition("/")[2])
        return members

    def _identify(self, at: Member | None) -> None:
        """A node's own name: an absolute IRI of nobody else, so that no two nodes become one."""
        if at is None:
            return
        if not isinstance(at.value, str) or not _IRI.fullmatch(at.value) or at.value.startswith(_VOCABULARIES):
            self.fault(at.pointer, "uid-invalid")
        elif at.value in self.ids:
            self.fault(at.pointer, "uid-twice")
        else:
            self.ids.add(at.value)

    def token(self, at: Member, *, vocabulary: bool = True) -> str | None:
        """Return the IRI at a place that takes one: a string, or an object with nothing but @id."""
        value: Any = at.value
        found = None
        if isinstance(value, str):
            found = self.iri(value, vocabulary=vocabulary)
        elif isinstance(value, dict):
            members = cast(dict[str, Any], value)
            if set(members) == {"@id"} and isinstance(members["@id"], str):
                found = self.iri(members["@id"], vocabulary=False)
            else:
                self.fault(at.pointer, "reference-expected")
                return None
        if found is None:
            self.fault(at.pointer, "not-an-iri", name=value if isinstance(value, str) else _kind(value))
        return found

    def scalar(self, at: Member, datatype: str) -> Any | None:
        """Return the literal at `at`: plain, or with @value and `datatype` (an IRI) as its @type."""
        value = at.value
        if not isinstance(value, dict):
            if isinstance(value, str | bool):
                return value
            self.fault(at.pointer, "value-type-wrong", expected=datatype.rpartition("#")[2])
            return None
        members = cast(dict[str, Any], value)
        stated = members.get("@type", datatype)
        if not {"@value"} <= set(members) <= {"@value", "@type"} or not isinstance(members["@value"], str | bool):
            self.fault(at.pointer, "value-type-wrong", expected=datatype.rpartition("#")[2])
            return None
        if not isinstance(stated, str) or self.iri(stated) != datatype:
            self.fault(child(at.pointer, "@type"), "value-type-wrong", expected=datatype.rpartition("#")[2])
            return None
        return members["@value"]

    def integer(self, at: Member, datatype: str) -> int | None:
        """Return the whole number at `at`: plain, or with @value (digits will do) and `datatype` as its @type."""
        value: Any = at.value
        if isinstance(value, dict):
            members = cast(dict[str, Any], value)
            value = members.get("@value")
            if "@type" in members and isinstance(value, str) and _DIGITS.fullmatch(value):
                value = int(value)
            stated = members.get("@type", datatype)
            if not {"@value"} <= set(members) <= {"@value", "@type"}:
                value = None
            elif not isinstance(stated, str) or self.iri(stated) != datatype:
                self.fault(child(at.pointer, "@type"), "value-type-wrong", expected=datatype.rpartition("#")[2])
                return None
        if not isinstance(value, int) or isinstance(value, bool):
            self.fault(at.pointer, "value-type-wrong", expected=datatype.rpartition("#")[2])
            return None
        return value

    def word(self, at: Member, names: Mapping[str, str]) -> str | None:
        """Return what a plain name or an IRI stands for in `names` (which holds both); None and no fault if unknown."""
        value = at.value
        if isinstance(value, str):
            return names.get(value) or names.get(self.iri(value, vocabulary=False) or "")
        if isinstance(value, dict):
            members = cast(dict[str, Any], value)
            if set(members) == {"@id"} and isinstance(members["@id"], str):
                return names.get(self.iri(members["@id"], vocabulary=False) or "")
            if set(members) == {"@value"} and isinstance(members["@value"], str):
                return names.get(members["@value"])
        return None


_VOCABULARIES = tuple(PREFIXES.values())


def _kind(value: Any) -> str:
    return type(value).__name__


def _printable(text: str) -> str:
    return text.encode("ascii", "backslashreplace").decode()[:100]


def items(at: Member) -> Iterator[Member]:
    """Yield the entries of a list, or the one value that stands in its place (the same thing in JSON-LD)."""
    if isinstance(at.value, list):
        for number, entry in enumerate(cast(list[Any], at.value)):
            yield Member(child(at.pointer, number), entry)
    else:
        yield at


def operands(at: Member) -> Iterator[Member]:
    """Like `items`, for right operands, which may also be an ordered list ({"@list": [...]})."""
    value = at.value
    if isinstance(value, dict) and set(cast(dict[str, Any], value)) == {"@list"}:
        yield from items(Member(child(at.pointer, "@list"), cast(dict[str, Any], value)["@list"]))
    else:
        yield from items(at)


def foreign(document: Any, pointer: str = "", depth: int = 0) -> Fault | None:
    """Return the first thing that no policy may hold anywhere: text outside Unicode, too much depth, endless keys."""
    if depth > MAX_DEPTH:
        return Fault(pointer, "policy-too-deep", {"limit": str(MAX_DEPTH)})
    if isinstance(document, str):
        return None if _unicode(document) else Fault(pointer, "text-not-unicode")
    if isinstance(document, dict):
        for key, value in cast(dict[Any, Any], document).items():
            if not isinstance(key, str) or not _unicode(key) or len(key) > 500:
                return Fault(pointer, "text-not-unicode")
            found = foreign(value, child(pointer, key), depth + 1)
            if found is not None:
                return found
    elif isinstance(document, list):
        for number, value in enumerate(cast(list[Any], document)):
            found = foreign(value, child(pointer, number), depth + 1)
            if found is not None:
                return found
    return None


def _unicode(text: str) -> bool:
    """Whether the text can be stored and sent: no lone surrogates, no NUL."""
    return "\0" not in text and not any("\ud800" <= char <= "\udfff" for char in text)
