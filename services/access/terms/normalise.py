"""From an ODRL policy to the normal form, with every constraint in it, or to a list of what cannot be kept. Pure.

The rule that everything here serves: nothing in a policy is ignored. What the normal form cannot say exactly is
refused, with a pointer to it. What a policy does not say has one meaning: an action, deriving and commerce are not
permitted; recipient, country and period are not limited by the terms. Purposes must be said (GDPR Article 5(1)(b)).
"""

from collections.abc import Collection
from typing import Any, Final, cast

from pydantic_core import PydanticCustomError

from services.access.terms.constraints import Said, plain, read_constraints, read_delay
from services.access.terms.jsonld import Member, Reader, child, foreign, items, parse
from services.access.terms.vocabulary import (
    ACTION_IRIS,
    ACTIONS,
    ATTRIBUTE,
    COMMERCE,
    COMMERCIAL_PURPOSE,
    DELETE,
    DERIVE,
    END_OF_TIME,
    ODRL,
    PROFILE,
    SHARE_ALIKE,
    THRESHOLDS,
    USE,
    Fault,
    GateThresholds,
    Normal,
    Refused,
    in_order,
)
from services.kit.text import clean_line

MAX_RULES: Final = 50
MAX_ATTRIBUTION: Final = 1000
MAX_ATTRIBUTIONS: Final = 10_000
"""Characters of all lines together: they go into the input of every decision."""

_REFUSED = {
    "assigner": "assigner-not-supported",
    "assignee": "assignee-not-supported",
    "obligation": "obligation-not-supported",
    "inheritFrom": "not-supported",
    "remedy": "not-supported",
    "consequence": "not-supported",
    "refinement": "not-supported",
}


def _may_hold(*names: str) -> dict[str, str]:
    return {
        **{ODRL + name: code for name, code in _REFUSED.items()},
        **{"@id": "", "@type": ""},
        **{(name if ":" in name else ODRL + name): "" for name in names},
    }


_POLICY: Final = {
    **_may_hold("profile", "conflict", "permission", "prohibition", "target"),
    "@context": "",
    # A policy may say once for all rules what the rule should say (ODRL 2.7.1); here each rule says it itself.
    **dict.fromkeys((ODRL + name for name in ("action", "constraint", "duty")), "belongs-in-permission"),
}
_PERMISSION: Final = _may_hold("action", "constraint", "duty", "target")
_PROHIBITION: Final = {**_may_hold("action", "target"), ODRL + "constraint": "prohibition-constrained"}
_DUTY: Final = _may_hold("action", "constraint", PROFILE + "text")


def normalise_text(
    body: bytes, known_courses: Collection[str] | None = None
) -> tuple[Normal, dict[str, Any]] | Refused:
    """Return the normal form of the policy in `body` (JSON, at most 64 KiB) and the policy itself, or why not."""
    document = parse(body)
    if isinstance(document, Fault):
        return Refused((document,))
    normal = normalise(document, known_courses)
    return normal if isinstance(normal, Refused) else (normal, cast(dict[str, Any], document))


def normalise(document: Any, known_courses: Collection[str] | None = None) -> Normal | Refused:
    """Return the normal form of a policy (a JSON value), or every fault found in it.

    `known_courses`: courses there are; None when that is not to be checked.
    """
    fault = foreign(document)
    if fault is not None:
        return Refused((fault,))
    reader = Reader()
    normal = _policy(reader, Member("", document), known_courses)
    if reader.faults or normal is None:
        return Refused(tuple(reader.faults))
    return normal


def _policy(reader: Reader, at: Member, known_courses: Collection[str] | None) -> Normal | None:
    members = cast(dict[str, Any], at.value) if isinstance(at.value, dict) else {}
    if "@context" in members:
        reader.read_context(Member("/@context", members["@context"]))
    if reader.faults:
        return None
    policy = reader.node(at, _POLICY, ("@type", ODRL + "permission"))
    if policy is None:
        return None
    _expect(reader, policy.get("@type"), "type-wrong", ODRL + "Offer", ODRL + "Set")
    _expect(reader, policy.get(ODRL + "profile"), "profile-unknown", PROFILE)
    _expect(reader, policy.get(ODRL + "conflict"), "conflict-strategy", ODRL + "prohibit")
    _target(reader, policy)
    if ODRL + "permission" not in policy:
        return None
    permitted, said = _permissions(reader, policy[ODRL + "permission"])
    if ODRL + "prohibition" in policy:
        permitted = _prohibitions(
            reader, policy[ODRL + "prohibition"], permitted, said, overrules=ODRL + "conflict" in policy
        )
    return _whole(reader, policy[ODRL + "permission"], permitted, said, known_courses)


def _expect(reader: Reader, at: Member | None, code: str, *expected: str) -> None:
    """Note with `code` that what stands at `at`, if anything does, is none of the IRIs `expected`."""
    if at is None:
        return
    entries = list(items(at))  # a list of one is in JSON-LD the same as its entry
    iri = reader.token(entries[0] if len(entries) == 1 else at)
    if iri is not None and iri not in expected:
        reader.fault(at.pointer, code, expected=", ".join(plain(name) or name for name in expected))


def _target(reader: Reader, members: dict[str, Member]) -> None:
    """A target may only be the dataset that the terms will be put on."""
    _expect(reader, members.get(ODRL + "target"), "target-not-supported", PROFILE + "dataset")


def _rule(reader: Reader, at: Member, kind: str, allowed: dict[str, str]) -> dict[str, Member] | None:
    members = reader.node(at, allowed, (ODRL + "action",))
    if members is None:
        return None
    _expect(reader, members.get("@type"), "type-wrong", ODRL + kind)
    _target(reader, members)
    return members


def _rules(reader: Reader, at: Member) -> list[Member]:
    found = list(items(at))
    if len(found) > MAX_RULES:
        reader.fault(at.pointer, "value-count", limit=MAX_RULES)
    return found[:MAX_RULES]


def _actions(reader: Reader, at: Member) -> dict[str, Member]:
    """Return the actions named at `at` (the factory's, and "use", "derive", "commerce", …) with their places."""
    named: dict[str, Member] = {}
    for place in items(at):
        if isinstance(place.value, dict) and set(cast(dict[str, Any], place.value)) != {"@id"}:
            reader.fault(place.pointer, "action-refined")
            continue
        iri = reader.token(place)
        if iri is None:
            continue
        name = _action_name(iri)
        if name is None:
            reader.fault(place.pointer, "action-unknown", action=plain(iri))
        elif name in named:
            reader.fault(place.pointer, "value-redundant", value=plain(iri))
        else:
            named[name] = place
    return named


def _action_name(iri: str) -> str | None:
    if iri in COMMERCE:
        return "commerce"
    if iri in SHARE_ALIKE:
        return "share-alike"
    others = {USE: "use", DERIVE: "derive", ATTRIBUTE: "attribute", DELETE: "delete"}
    return others.get(iri) or ACTION_IRIS.get(iri)


_DUTIES: Final = {"attribute", "delete", "share-alike"}


def _permissions(reader: Reader, at: Member) -> tuple[set[str], Said]:
    """Return everything that is permitted, and the conditions, which must be the same in every permission."""
    permitted: set[str] = set()
    first: tuple[Member, Said] | None = None
    for place in _rules(reader, at):
        members = _rule(reader, place, "Permission", _PERMISSION)
        if members is None:
            continue
        for name, where in (_actions(reader, members[ODRL + "action"]) if ODRL + "action" in members else {}).items():
            if name in _DUTIES:
                reader.fault(where.pointer, "action-is-a-duty", action=name)
            elif name in permitted:
                reader.fault(where.pointer, "value-redundant", value=name)
            permitted.add(name)
        faults = len(reader.faults)
        said = read_constraints(reader, members.get(ODRL + "constraint"))
        said |= _duties(reader, members.get(ODRL + "duty"))
        if "purposes" not in said and len(reader.faults) == faults:
            reader.fault(place.pointer, "purpose-missing")
        if first is None:
            first = (place, said)
        elif _conditions(said) != _conditions(first[1]):
            reader.fault(place.pointer, "permissions-differ", first=first[0].pointer)
    if "use" in permitted:
        if len(permitted - {"use", "commerce"}) > 0:
            reader.fault(at.pointer, "value-redundant", value=", ".join(sorted(permitted - {"use", "commerce"})))
        permitted = (permitted - {"use"}) | {*ACTIONS, "derive"}
    return permitted, first[1] if first else {}


def _conditions(said: Said) -> Said:
    return {name: value for name, value in said.items() if not name.endswith(("place", "places"))}


def _duties(reader: Reader, at: Member | None) -> Said:
    """Return the duties of a permission: attribution (any number of lines), deletion, same terms for derivatives."""
    said: Said = {}
    lines: set[str] = set()
    for place in items(at) if at is not None else ():
        members = _rule(reader, place, "Duty", _DUTY)
        if members is None or ODRL + "action" not in members:
            continue
        names = list(_actions(reader, members[ODRL + "action"]).items())
        if len(names) != 1:
            if names:
                reader.fault(members[ODRL + "action"].pointer, "one-value-expected")
            continue
        (name, where), text, constraint = names[0], members.get(PROFILE + "text"), members.get(ODRL + "constraint")
        if text is not None and name != "attribute":
            reader.fault(text.pointer, "unknown-key", name="text")
        if constraint is not None and name != "delete":
            reader.fault(constraint.pointer, "duty-constrained")
        if name == "attribute":
            line = _line(reader, place, text)
            if line in lines:
                reader.fault(place.pointer, "duty-twice", action=name)
            lines.add(line)
        elif name == "delete" and "deletion_days" not in said:
            days = None if constraint is None else read_delay(reader, constraint)
            if constraint is None:
                reader.fault(place.pointer, "delay-missing")
            said["deletion_days"] = -1 if days is None else days
        elif name == "share-alike" and "share-alike" not in said:
            said["share-alike"] = True
        elif name in _DUTIES:
            reader.fault(place.pointer, "duty-twice", action=name)
        else:
            reader.fault(where.pointer, "duty-unknown", action=name)
    if lines and at is not None:
        said["attribution"] = "\n".join(sorted(lines))
        if len(said["attribution"]) > MAX_ATTRIBUTIONS:
            reader.fault(at.pointer, "text-too-long", limit=MAX_ATTRIBUTIONS)
    return said


def _line(reader: Reader, duty: Member, at: Member | None) -> str:
    if at is None:
        reader.fault(duty.pointer, "key-missing", name="df:text")
        return ""
    if not isinstance(at.value, str):
        reader.fault(at.pointer, "value-type-wrong", expected="string")
        return ""
    try:
        line = clean_line(at.value)
    except PydanticCustomError as refused:
        reader.fault(at.pointer, "text-unclean", reason=refused.type)
        return ""
    if len(line) > MAX_ATTRIBUTION:
        reader.fault(at.pointer, "text-too-long", limit=MAX_ATTRIBUTION)
    return line


def _prohibitions(reader: Reader, at: Member, permitted: set[str], said: Said, *, overrules: bool) -> set[str]:
    """Return what stays permitted. Prohibiting something permitted has a meaning only with `conflict: prohibit`."""
    prohibited: dict[str, Member] = {}
    for place in _rules(reader, at):
        members = _rule(reader, place, "Prohibition", _PROHIBITION)
        if members is None or ODRL + "action" not in members:
            continue
        for name, where in _actions(reader, members[ODRL + "action"]).items():
            if name in _DUTIES:
                reader.fault(where.pointer, "action-is-a-duty", action=name)
            elif name in prohibited:
                reader.fault(where.pointer, "value-redundant", value=name)
            elif name == "use" or (name == "commerce" and said.get("commercial")):
                reader.fault(where.pointer, "rules-contradict", action=name)
            elif name in permitted and not overrules:
                reader.fault(where.pointer, "rules-contradict", action=name)
            prohibited[name] = where
    return permitted - prohibited.keys()


def _whole(
    reader: Reader, at: Member, permitted: set[str], said: Said, known_courses: Collection[str] | None
) -> Normal | None:
    """Return the normal form of what is permitted under which conditions, unless the parts contradict each other."""
    for course, pointer in said.get("course-places", {}).items():
        if known_courses is not None and course not in known_courses:
            reader.fault(pointer, "course-unknown", course=course)
    thresholds = _thresholds(reader, said)
    if reader.faults:
        return None
    actions = permitted & set(ACTIONS)
    commercial = said.get("commercial", "commerce" in permitted)
    if "commerce" in permitted and not commercial:
        reader.fault(at.pointer, "rules-contradict", action="commercialize")
    if not actions:
        reader.fault(at.pointer, "nothing-permitted")
    if "share-alike" in said and "derive" not in permitted:
        reader.fault(at.pointer, "share-alike-without-derive")
    if "share-derivative" in actions and "derive" not in permitted:
        reader.fault(at.pointer, "sharing-without-derive")
    purposes = said.get("purposes", {"any": False, "list": []})
    if COMMERCIAL_PURPOSE in purposes["list"] and not commercial:
        reader.fault(at.pointer, "purpose-is-commercial", purpose=COMMERCIAL_PURPOSE)
    if reader.faults:
        return None
    derived = "same-terms" if "share-alike" in said else "allowed" if "derive" in permitted else "forbidden"
    return {
        "schema": 1,
        "actions": in_order(actions),
        "purposes": purposes,
        "recipients": said.get("recipients", {"any": True, "partners": [], "sectors": []}),
        "countries": said.get("countries", {"any": True, "list": []}),
        "countries_stated": said.get("countries_stated", False),
        "period": {"from": said.get("from", 0), "until": said.get("until", END_OF_TIME)},
        "commercial": commercial,
        "courses": said.get("courses", []),
        "gate": said.get("gate", "none"),
        "gate_thresholds": thresholds,
        "derived_use": derived,
        "attribution": said.get("attribution", ""),
        "deletion_days": said.get("deletion_days", -1),
    }


def _thresholds(reader: Reader, said: Said) -> GateThresholds:
    """Return what is asked of the gate; where no gate is required that would be without effect."""
    stated = [what.name for what in THRESHOLDS if f"gate-{what.name}" in said]
    if said.get("gate") != "required":
        for name in stated:
            reader.fault(said[f"gate-{name}-place"], "threshold-without-gate")
    return cast(GateThresholds, {name: said[f"gate-{name}"] for name in stated})


__all__ = ["child", "normalise", "normalise_text"]
