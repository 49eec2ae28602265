"""What holds for every policy: nothing is ignored, and only normal forms and pointed faults come out."""

import copy
import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from services.access.decisions.engine.inputs import SCHEMA_FILE
from services.access.terms.normalise import normalise, normalise_text
from services.access.terms.odrl import to_odrl
from services.access.terms.vocabulary import ODRL_TERMS, PROFILE_TERMS, Normal, Refused
from tests.access.terms.policies import at, constraint, normals, policy

QUICK = settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)

_SCHEMA = json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))
_TERMS = Draft202012Validator({"$ref": "#/$defs/terms", "$defs": _SCHEMA["$defs"]})

_WORDS = st.sampled_from(
    [
        *ODRL_TERMS,
        *PROFILE_TERMS,
        "@id",
        "@context",
        "@graph",
        "@reverse",
        "@list",
        "@value",
        "odrl:permission",
        "df:course",
    ]
)
_ATOMS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8), _WORDS)
_JSON = st.recursive(
    _ATOMS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.one_of(_WORDS, st.text(max_size=8)), inner, max_size=5)
    ),
    max_leaves=20,
)


def for_the_law(normal: Normal) -> dict[str, Any]:
    """What decisions are told of terms: not what is asked of the gate."""
    return {name: value for name, value in normal.items() if name != "gate_thresholds"}


def _sound(document: Any, result: Normal | Refused) -> None:
    """A normal form that the decision's schema accepts, or faults that all point at something there."""
    if not isinstance(result, Refused):
        _TERMS.validate(for_the_law(result))
        return
    assert result.faults
    for fault in result.faults:
        at(document, fault.pointer)
        json.dumps(fault.params).encode()


@QUICK
@given(normals())
def test_a_normal_form_as_odrl_is_the_same_normal_form(normal: Normal) -> None:
    _TERMS.validate(for_the_law(normal))
    document = to_odrl(normal)
    assert normalise(document) == normal
    assert normalise_text(json.dumps(document).encode()) == (normal, document)


@QUICK
@given(_JSON)
def test_any_json_is_a_normal_form_or_pointed_faults(document: Any) -> None:
    _sound(document, normalise(document))


@QUICK
@given(st.binary(max_size=300))
def test_any_bytes_are_refused_or_read(body: bytes) -> None:
    result = normalise_text(body)
    assert isinstance(result, Refused)
    assert result.faults


def _places(value: Any, pointer: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Return the path of every object and list in a policy, but those of its context."""
    found: list[tuple[str | int, ...]] = []
    if isinstance(value, dict):
        found.append(pointer)
        for key, inner in value.items():
            if key != "@context":
                found += _places(inner, (*pointer, key))
    elif isinstance(value, list):
        found.append(pointer)
        for number, inner in enumerate(value):
            found += _places(inner, (*pointer, number))
    return found


def _reach(document: Any, path: tuple[str | int, ...]) -> Any:
    for step in path:
        document = document[step]
    return document


_CONSTRAINTS = [
    constraint("odrl:count", "lteq", {"@value": "5", "@type": "xsd:integer"}),
    constraint("purpose", "eq", "education"),
    constraint("recipient", "eq", "urn:datafactory:partner:0192b1f0-0000-7000-8000-00000000000a"),
    constraint("spatial", "eq", "AQ"),
    constraint("dateTime", "gteq", "2001-02-03T04:05:06Z"),
    constraint("dateTime", "lt", "2001-02-03T04:05:06Z"),
    constraint("df:course", "eq", "another-course"),
    constraint("df:gate", "eq", "required"),
    constraint("df:gateK", "gteq", 7),
    constraint("df:gateWithheld", "lteq", {"@value": "7", "@type": "xsd:integer"}),
    constraint("delayPeriod", "lteq", "P3D"),
    {"or": [constraint("spatial", "eq", "AQ")]},
    {"and": [constraint("df:course", "eq", "another-course")]},
    {"@id": "urn:x:constraint"},
    "urn:x:constraint",
]


@QUICK
@given(normals(), st.data())
def test_an_extra_constraint_anywhere_changes_the_normal_form_or_is_refused(
    normal: Normal, data: st.DataObject
) -> None:
    document = to_odrl(normal)
    place = _reach(document, data.draw(st.sampled_from(_places(document))))
    extra = copy.deepcopy(data.draw(st.sampled_from(_CONSTRAINTS)))
    if isinstance(place, list):
        place.insert(data.draw(st.integers(0, len(place))), extra)
    else:
        keys = [
            "constraint",
            "refinement",
            "odrl:constraint",
            "http://www.w3.org/ns/odrl/2/constraint",
            "and",
            "@graph",
            "x",
        ]
        key = data.draw(st.sampled_from([k for k in keys if k not in place]))
        place[key] = [extra]
    result = normalise(document)
    _sound(document, result)
    if extra == constraint("df:gate", "eq", "required") and normal["gate"] == "required":
        assert isinstance(result, Refused)
    assert result != normal


@QUICK
@given(normals(), st.data(), _JSON)
def test_an_unknown_member_anywhere_is_refused_by_its_own_pointer(
    normal: Normal, data: st.DataObject, value: Any
) -> None:
    document = to_odrl(normal)
    paths = [path for path in _places(document) if isinstance(_reach(document, path), dict)]
    path = data.draw(st.sampled_from(paths))
    key = data.draw(st.sampled_from(["dct:description", "weight", "@reverse", "@index", "unit", "schema:about"]))
    _reach(document, path)[key] = value
    result = normalise(document)
    _sound(document, result)
    assert isinstance(result, Refused)
    pointer = "".join(f"/{step}" for step in path)
    assert any(pointer.startswith(f.pointer) or f.pointer.startswith(f"{pointer}/{key}") for f in result.faults)


@QUICK
@given(normals(), st.data(), _ATOMS)
def test_another_value_in_any_place_is_another_meaning_or_refused(
    normal: Normal, data: st.DataObject, value: Any
) -> None:
    document = to_odrl(normal)
    leaves = [
        (path, key)
        for path in _places(document)
        for key in (
            _reach(document, path) if isinstance(_reach(document, path), dict) else range(len(_reach(document, path)))
        )
        if key not in ("@context", "prohibition", "profile", "@type", "conflict")
    ]
    path, key = data.draw(st.sampled_from(leaves))
    before = copy.deepcopy(_reach(document, path)[key])
    _reach(document, path)[key] = value
    result = normalise(document)
    _sound(document, result)
    if result == normal:
        # The same thing said otherwise: a term instead of a compact IRI, or the prohibition of what is not permitted.
        assert path[:1] == ("prohibition",) or str(value).rpartition(":")[2] == str(before).rpartition(":")[2]


def test_depth_is_limited_before_anything_is_read() -> None:
    deep: Any = "research"
    for _ in range(40):
        deep = [deep]
    result = normalise(policy(constraint("spatial", "eq", deep)))
    assert isinstance(result, Refused)
    assert [fault.code for fault in result.faults] == ["policy-too-deep"]
