"""Whatever the input: the law agrees with its second telling, and the schema with the shape the law itself checks."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from services.access.decisions.engine.inputs import check_input
from services.access.decisions.engine.port import CODES, RULES, InvalidDecisionInput, believe
from services.access.vocabulary import PURPOSES
from tests.access.policy.facts import NOW, PERMITTED, Facts, an_id, paths_of, with_value, without
from tests.access.policy.law import ask
from tests.access.policy.oracle import expected_codes

flags = st.booleans()
mostly = st.sampled_from([True, True, True, True, False])
mostly_not = st.sampled_from([False, False, False, False, True])
ids = st.sampled_from([an_id(2), an_id(5)])
instants = st.sampled_from([0, NOW - 1, NOW, NOW + 1, 253_402_300_799])
begins = st.sampled_from([0, 0, NOW - 1, NOW, NOW + 1])
ends = st.sampled_from([NOW + 1, NOW + 1, 253_402_300_799, NOW, NOW - 1])
actions = st.sampled_from(["read", "prepare", "annotate", "train", "deploy", "share-derivative"])
action_lists = st.one_of(
    st.just(["read", "prepare", "annotate", "train", "deploy", "share-derivative"]), st.lists(actions, max_size=6)
)
purposes = st.one_of(st.sampled_from(["research", "research/health", "innovation"]), st.sampled_from(PURPOSES))
countries = st.sampled_from(["SE", "SE", "NO", "CH", "US", "ZZ"])
sectors = st.sampled_from(["public", "academia", "industry", "nonprofit"])
courses = st.sampled_from(["using-donated-data", "imaging"])


def closed(**members: Any) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(members)


def any_or(listed: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    some = closed(any=st.just(False), list=st.lists(listed, min_size=1, max_size=4))
    return st.one_of(st.just({"any": True, "list": []}), some)


periods = st.builds(lambda begin, end: {"from": begin, "until": end}, begins, ends)
grants = st.builds(
    lambda n, period, rest: {"id": an_id(n), **period, **rest},
    st.integers(20, 99),
    periods,
    closed(
        actions=action_lists,
        purpose=purposes,
        revoked=mostly_not,
        agreement=closed(id=st.just(an_id(8)), signed=mostly),
    ),
)
recipients = st.one_of(
    st.just({"any": True, "partners": [], "sectors": []}),
    closed(any=st.just(False), partners=st.lists(ids, min_size=1, max_size=2), sectors=st.lists(sectors, max_size=2)),
    closed(any=st.just(False), partners=st.just([]), sectors=st.lists(sectors, min_size=1, max_size=2)),
)
stated_countries = st.one_of(
    closed(countries=st.just({"any": True, "list": []}), countries_stated=st.just(False)),
    closed(countries=any_or(countries), countries_stated=st.just(True)),
)
terms = st.builds(
    lambda where, rest: {"schema": 1, **where, **rest},
    stated_countries,
    closed(
        actions=action_lists,
        purposes=any_or(purposes),
        recipients=recipients,
        period=periods,
        commercial=flags,
        courses=st.lists(courses, max_size=2, unique=True),
        gate=st.sampled_from(["none", "none", "required"]),
        derived_use=st.sampled_from(["allowed", "same-terms", "forbidden"]),
        attribution=st.sampled_from(["", "Data by the donor", "Tack till givaren å ä ö 🙂"]),
        deletion_days=st.sampled_from([-1, 0, 30]),
    ),
)
clusters = closed(
    kind=st.sampled_from(["local", "remote"]),
    id=st.just(an_id(9)),
    isolation=st.sampled_from(["none", "user", "sandbox", "node"]),
    own=flags,
    country=countries,
    audit=st.one_of(st.just({"kind": "none"}), periods.map(lambda period: {"kind": "audit", **period})),
)
inputs = closed(
    schema=st.just(1),
    request=closed(action=actions, purpose=purposes, paths_digest=st.sampled_from(["", "0" * 64])),
    subject=closed(id=st.just(an_id(1)), active=mostly),
    partner=closed(id=ids, sector=st.one_of(sectors, st.just("none")), country=countries, active=mostly),
    project=closed(
        id=st.just(an_id(3)),
        purpose=purposes,
        open=mostly,
        starts=begins,
        ends=ends,
        partner_ids=st.one_of(st.just([an_id(2), an_id(5)]), st.lists(ids, max_size=2)),
        ethics_until=ends,
    ),
    membership=closed(active=mostly, role=st.sampled_from(["lead", "member", "member", "none"])),
    dataset=closed(
        id=st.just(an_id(4)),
        state=st.sampled_from(["published", "published", "published", "draft", "withdrawn"]),
        integrity_class=st.sampled_from(["open", "internal", "confidential", "restricted"]),
        partner_id=st.just(an_id(5)),
    ),
    version=closed(
        id=st.just(an_id(6)),
        state=st.sampled_from(["released", "released", "released", "committed", "withdrawn", "redacted"]),
        gate=st.sampled_from(["not-required", "required", "passed", "passed"]),
        personal_data=st.sampled_from(["no", "yes", "unknown"]),
    ),
    terms=terms,
    completions=st.lists(st.builds(lambda course, period: {"course": course, **period}, courses, periods), max_size=3),
    grants=st.lists(grants, max_size=3),
    environment=closed(now=st.just(NOW), cluster=st.one_of(st.just({"kind": "none"}), clusters)),
)

json_values = st.recursive(
    st.one_of(
        st.none(),
        flags,
        st.integers(-(2**70), 2**70),
        st.floats(allow_nan=False, allow_infinity=False).filter(lambda x: not x.is_integer()),
        st.text(max_size=5),
        st.sampled_from([*CODES, *PURPOSES, "read", "train", "none", "audit", an_id(2), "SE"]),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(["any", "list", "kind", "from", "until", "id"]), inner, max_size=3),
    ),
    max_leaves=5,
)


@settings(max_examples=250, deadline=None)
@given(inputs)
def test_the_law_says_what_its_second_telling_says(facts: Facts) -> None:
    check_input(facts)
    result = ask(facts)
    codes = expected_codes(facts)
    assert result["codes"] == codes
    assert result["permit"] is (codes == [])
    believe(result, "0" * 64)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(sorted(PERMITTED)), st.data())
def test_a_permitted_input_with_several_facts_changed_agrees_too(kind: str, data: st.DataObject) -> None:
    facts, other = PERMITTED[kind](), data.draw(inputs)
    for name in data.draw(st.lists(st.sampled_from(sorted(facts)), max_size=3, unique=True)):
        facts[name] = other[name]
    assert ask(facts)["codes"] == expected_codes(facts)


@settings(max_examples=250, deadline=None)
@given(st.sampled_from(sorted(PERMITTED)), st.data())
def test_schema_and_law_draw_the_same_border(kind: str, data: st.DataObject) -> None:
    facts = PERMITTED[kind]()
    for _ in range(data.draw(st.integers(1, 3))):
        path = data.draw(st.sampled_from(list(paths_of(facts))))
        if isinstance(path[-1], str) and data.draw(mostly_not):
            facts = without(facts, path)
        else:
            facts = with_value(facts, path, data.draw(json_values))
    try:
        check_input(facts)
        valid = True
    except InvalidDecisionInput:
        valid = False
    result = ask(facts)
    assert ("shape" in result["passed"]) is valid
    assert valid or result["permit"] is False
    assert set(result["passed"]) <= set(RULES)
