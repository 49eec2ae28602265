"""Policies that others wrote (the ODRL test suite) are kept or refused with pointers; words mean what W3C says."""

import json
from pathlib import Path
from typing import Any

import pytest
from rdflib import DCTERMS, RDF, Graph, Literal, URIRef

from services.access.terms.jsonld import MAX_BYTES
from services.access.terms.normalise import normalise, normalise_text
from services.access.terms.vocabulary import ODRL, ODRL_CONTEXT, ODRL_TERMS, PREFIXES, Refused
from tests.access.terms.policies import at, constraint, example, policy

REFERENCE = Path(__file__).parents[2] / "reference" / "odrl"
W3C = json.loads((REFERENCE / "ODRL22.jsonld").read_text(encoding="utf-8"))["@context"]


def framed(graph: Graph, node: Any, seen: tuple[Any, ...] = ()) -> Any:
    """Return a node of a graph as a JSON-LD tree under the W3C's context."""
    if isinstance(node, Literal):
        return {"@value": str(node), "@type": f"xsd:{str(node.datatype).rpartition('#')[2]}"}
    members: dict[str, Any] = {}
    for predicate in sorted({str(p) for p in graph.predicates(node)}):
        objects = sorted(graph.objects(node, URIRef(predicate)), key=str)
        assert not set(objects) & set(seen)
        name = "@type" if predicate == str(RDF.type) else predicate.removeprefix(ODRL).replace(str(DCTERMS), "dct:")
        if name in ("@type", "uid", "action", "leftOperand", "operator", "target", "assignee"):
            members[name] = [str(o).removeprefix(ODRL) for o in objects]
            members[name] = members[name][0] if len(objects) == 1 else members[name]
        else:
            members[name] = [framed(graph, o, (*seen, node)) for o in objects]
    if isinstance(node, URIRef) and "uid" not in members:
        members["uid"] = str(node)
    return members


def reference(number: int, *, described: bool = False) -> dict[str, Any]:
    """Return a policy of the suite, without its description and source unless `described`."""
    graph = Graph().parse(REFERENCE / "policies" / f"policy-{number}.ttl", format="turtle")
    root = next(iter(graph.subjects(RDF.type, URIRef(ODRL + "Set"))))
    if not described:
        graph.remove((root, DCTERMS.description, None))
        graph.remove((root, DCTERMS.source, None))
    return {"@context": ODRL_CONTEXT, **framed(graph, root)}


P, C = "/permission/0", "/permission/0/constraint/0"
NO_PURPOSE, WHO, WHAT = (
    (P, "purpose-missing"),
    (f"{P}/assignee", "assignee-not-supported"),
    (f"{P}/target", "target-not-supported"),
)
NO_PERMISSION = ("", "key-missing")
EXPECTED: dict[int, set[tuple[str, str]]] = {
    1: {(P, "key-missing"), NO_PURPOSE},
    2: {NO_PERMISSION},
    3: {NO_PURPOSE},
    4: {NO_PERMISSION},
    5: {NO_PURPOSE, WHO},
    6: {NO_PERMISSION},
    7: {NO_PURPOSE, WHO},
    8: {NO_PURPOSE, WHO, WHAT},
    9: {WHO, WHAT, (f"{C}/rightOperand/0", "time-below-a-second")},
    10: {WHO, WHAT, (f"{C}/operator", "not-an-iri")},
    11: {WHO, WHAT, (f"{C}/rightOperand/0", "time-below-a-second")},
    12: {WHO, WHAT, (f"{C}/rightOperand/0", "time-below-a-second")},
    13: {WHO, WHAT, (f"{C}/rightOperand/0", "time-below-a-second")},
    14: {WHO, WHAT, (f"{C}/rightOperand/0", "time-below-a-second")},
    15: {WHO, WHAT, (f"{C}/and/1/operator", "operator-inexact")},
    16: {NO_PURPOSE, WHO, WHAT},
    17: {NO_PURPOSE, WHO, WHAT},
    18: {NO_PURPOSE, WHO, WHAT},
    19: {WHO, WHAT, (f"{P}/duty/0/action", "not-an-iri")},
    20: {WHO, WHAT, (f"{C}/or", "logic-not-supported")},
    21: {WHO, WHAT, (f"{C}/and/1/operator", "operator-inexact"), (f"{P}/duty/0/action", "not-an-iri")},
}  # fmt: skip


@pytest.mark.parametrize("number", sorted(EXPECTED))
def test_each_policy_of_the_suite_is_refused_where_it_says_more_than_can_be_kept(number: int) -> None:
    document = reference(number)
    result = normalise(document)
    assert isinstance(result, Refused)
    for fault in result.faults:
        at(document, fault.pointer)
    assert {(fault.pointer, fault.code) for fault in result.faults} == EXPECTED[number]


def test_there_is_an_expectation_for_each() -> None:
    assert len(list((REFERENCE / "policies").glob("*.ttl"))) == len(EXPECTED)


@pytest.mark.parametrize("number", [3, 15])
def test_descriptions_are_refused_since_nothing_would_hold_people_to_them(number: int) -> None:
    result = normalise(reference(number, described=True))
    assert isinstance(result, Refused)
    assert {"/dct:description", "/dct:source"} <= {fault.pointer for fault in result.faults}


def test_the_largest_is_too_large() -> None:
    body = json.dumps(reference(20)).encode()
    assert len(body) > MAX_BYTES
    result = normalise_text(body)
    assert isinstance(result, Refused)
    assert result.faults[0].code == "policy-too-large"


def test_mended_policies_of_the_suite_are_kept_exactly() -> None:
    purpose = constraint("purpose", "eq", "research")
    use = reference(3)
    use["permission"][0]["constraint"] = [purpose]
    assert normalise(use) == normalise(policy(action="use"))
    year = reference(15)
    rule = year["permission"][0]
    del rule["assignee"], rule["target"]
    begins, ends = sorted(rule["constraint"][0]["and"], key=lambda part: part["operator"])
    begins["operator"] = "gteq"
    rule["constraint"].append(purpose)
    normal = normalise(year)
    assert not isinstance(normal, Refused)
    assert ends["operator"] == "lt"
    assert normal["period"] == {"from": 1704067200, "until": 1735689599}


def test_our_terms_are_the_terms_of_the_w3c_context() -> None:
    for term, iri in ODRL_TERMS.items():
        definition = W3C[term]
        said = definition["@id"] if isinstance(definition, dict) else definition
        assert said.replace("odrl:", ODRL) == iri, term
    for prefix, iri in PREFIXES.items():
        assert prefix == "df" or W3C[prefix] == iri


# rdflib's own JSON-LD parser uses classes that rdflib has deprecated.
@pytest.mark.filterwarnings("ignore::DeprecationWarning:rdflib")
@pytest.mark.parametrize("name", ["open-research", "health-research", "benchmarking"])
def test_a_json_ld_processor_reads_our_examples_as_we_do(name: str) -> None:
    document = example(name)
    local = {**document, "@context": [W3C, *document["@context"][1:]]}
    graph = Graph().parse(data=json.dumps(local), format="json-ld")
    rules = [*document["permission"], *document.get("prohibition", [])]
    duties = [duty for rule in rules for duty in rule.get("duty", [])]
    constraints = [c for rule in (*rules, *duties) for c in rule.get("constraint", [])]
    actions = [
        a
        for rule in (*rules, *duties)
        for a in ([rule["action"]] if isinstance(rule["action"], str) else rule["action"])
    ]
    assert len(list(graph.subject_objects(URIRef(ODRL + "leftOperand")))) == len(constraints)
    read = {str(action) for action in graph.objects(None, URIRef(ODRL + "action"))}
    assert read == {PREFIXES[a.split(":")[0]] + a.split(":")[1] if ":" in a else ODRL + a for a in actions}
    assert all(isinstance(left, URIRef) for left in graph.objects(None, URIRef(ODRL + "leftOperand")))
