"""What is derived from several datasets is under the terms of all of them."""

from typing import Literal

from hypothesis import given, settings
from hypothesis import strategies as st

from services.access.terms.meet import EVERYTHING, NOTHING, meet, with_class
from services.access.terms.normalise import normalise
from services.access.terms.odrl import to_odrl
from services.access.terms.vocabulary import ACTIONS, EEA, END_OF_TIME, PURPOSES, SECTORS, Normal
from tests.access.terms.policies import example, kept, normals

QUICK = settings(max_examples=100, deadline=None, derandomize=True)
ANY = st.one_of(normals(), st.sampled_from([EVERYTHING, NOTHING]))
IntegrityClass = Literal["open", "internal", "confidential", "restricted"]
CLASSES: tuple[IntegrityClass, ...] = ("open", "internal", "confidential", "restricted")


def permits(
    terms: Normal, action: str, purpose: str, partner: str, sector: str, country: str, now: int, integrity_class: str
) -> bool:
    """The law's reading of terms (policies/*.rego), as far as terms alone decide."""
    purposes, recipients = terms["purposes"], terms["recipients"]
    by_class = {"open": None, "internal": set(EEA), "confidential": set(EEA), "restricted": {"SE"}}[integrity_class]
    if terms["countries_stated"]:
        by_class = None if terms["countries"]["any"] else set(terms["countries"]["list"])
    return (
        action in terms["actions"]
        and (purposes["any"] or any(purpose == p or purpose.startswith(p + "/") for p in purposes["list"]))
        and (terms["commercial"] or purpose not in ("innovation", "innovation/product-development"))
        and (recipients["any"] or partner in recipients["partners"] or sector in recipients["sectors"])
        and (by_class is None or country in by_class)
        and terms["period"]["from"] <= now < terms["period"]["until"]
    )


@QUICK
@given(ANY, ANY)
def test_order_does_not_matter(a: Normal, b: Normal) -> None:
    assert meet(a, b) == meet(b, a)


@QUICK
@given(ANY, ANY, ANY)
def test_grouping_does_not_matter(a: Normal, b: Normal, c: Normal) -> None:
    assert meet(meet(a, b), c) == meet(a, meet(b, c))


@QUICK
@given(ANY)
def test_identity_zero_and_idempotence(a: Normal) -> None:
    assert meet(a, a) == a
    assert meet(a, EVERYTHING) == a
    assert meet(a, NOTHING) == NOTHING


@QUICK
@given(normals(), normals(), st.data())
def test_never_more_than_either_permits(a: Normal, b: Normal, data: st.DataObject) -> None:
    both = meet(a, b)
    known = sorted({*both["recipients"]["partners"], "someone"})
    case = (
        data.draw(st.sampled_from(both["actions"] or ACTIONS)),
        data.draw(st.sampled_from(both["purposes"]["list"] or PURPOSES)),
        data.draw(st.sampled_from(known)),
        data.draw(st.sampled_from(both["recipients"]["sectors"] or SECTORS)),
        data.draw(st.sampled_from([*both["countries"]["list"], "SE", "US"])),
        data.draw(st.sampled_from([both["period"]["from"], both["period"]["until"], 0, END_OF_TIME])),
    )
    for integrity_class in CLASSES:
        if permits(both, *case, integrity_class):
            assert permits(a, *case, integrity_class)
            assert permits(b, *case, integrity_class)


@QUICK
@given(normals(), normals())
def test_the_duties_of_both_remain(a: Normal, b: Normal) -> None:
    both = meet(a, b)
    if both == NOTHING:
        return
    assert normalise(to_odrl(both)) == both
    for one in (a, b):
        assert set(one["courses"]) <= set(both["courses"])
        assert set(one["attribution"].split("\n")) <= {*both["attribution"].split("\n"), ""}
        assert both["gate"] == "required" or one["gate"] == "none"
        assert one["deletion_days"] == -1 or 0 <= both["deletion_days"] <= one["deletion_days"]


@QUICK
@given(normals(), normals(), st.sampled_from(CLASSES))
def test_with_countries_stated_by_class_nothing_is_lost(a: Normal, b: Normal, integrity_class: IntegrityClass) -> None:
    stated = [with_class(x, integrity_class) for x in (a, b)]
    both = meet(*stated)
    for country in ("SE", "NO", "US", *stated[0]["countries"]["list"]):
        case = (both["actions"] or ["read"])[0], "benchmarking", "someone", "public", country, 0, integrity_class
        if all(x["recipients"]["any"] and x["purposes"]["any"] and x["period"]["from"] == 0 for x in stated):
            assert permits(both, *case) == (permits(a, *case) and permits(b, *case))


def test_examples_together() -> None:
    research, health, benchmark = (kept(example(n)) for n in ("open-research", "health-research", "benchmarking"))
    both = meet(research, health)
    assert both["purposes"] == {"any": False, "list": ["research/health"]}
    assert both["countries"]["list"] == ["SE"]
    assert both["derived_use"] == "same-terms"
    assert both["attribution"].split("\n") == [
        "Data: the donor named in the catalogue, through the Data Factory.",
        "Source: the donor named in the catalogue.",
    ]
    assert meet(both, benchmark) == NOTHING
