"""What two terms permit together, with the duties of both: for what is derived from several datasets. Pure.

`meet` is commutative, associative and idempotent, with `EVERYTHING` as its identity and `NOTHING` as its zero. Where
the normal form cannot say exactly what both permit, the result permits less, never more.
"""

from typing import Final, Literal, cast

from services.access.terms.vocabulary import (
    ACTIONS,
    COMMERCIAL_PURPOSE,
    EEA,
    END_OF_TIME,
    THRESHOLDS,
    Countries,
    DerivedUse,
    GateThresholds,
    Normal,
    Purposes,
    Recipients,
    in_order,
)

EVERYTHING: Final[Normal] = {
    "schema": 1,
    "actions": list(ACTIONS),
    "purposes": {"any": True, "list": []},
    "recipients": {"any": True, "partners": [], "sectors": []},
    "countries": {"any": True, "list": []},
    "countries_stated": True,
    "period": {"from": 0, "until": END_OF_TIME},
    "commercial": True,
    "courses": [],
    "gate": "none",
    "gate_thresholds": {},
    "derived_use": "allowed",
    "attribution": "",
    "deletion_days": -1,
}

NOTHING: Final[Normal] = {**EVERYTHING, "actions": [], "commercial": False, "derived_use": "forbidden"}

_DERIVED: Final[tuple[DerivedUse, ...]] = ("forbidden", "same-terms", "allowed")


def _purposes(a: Purposes, b: Purposes, *, commercial: bool) -> Purposes | None:
    """Return the purposes in both, as the narrower ones; without the commercial one unless commerce is permitted."""
    if a["any"] and b["any"]:
        return {"any": True, "list": []}
    if a["any"] or b["any"]:
        both = set((b if a["any"] else a)["list"])
    else:
        pairs = [(p, q) for p in a["list"] for q in b["list"]]
        both = {p for p, q in pairs if p == q or p.startswith(q + "/")} | {q for p, q in pairs if q.startswith(p + "/")}
    if not commercial:
        both.discard(COMMERCIAL_PURPOSE)
    return {"any": False, "list": sorted(both)} if both else None


def _recipients(a: Recipients, b: Recipients) -> Recipients | None:
    """Return recipients in both. A partner named by one and only of a sector named by the other is left out:
    which sector a partner is of is not for terms to know."""
    if a["any"] or b["any"]:
        return b if a["any"] else a
    partners = sorted(set(a["partners"]) & set(b["partners"]))
    sectors = sorted(set(a["sectors"]) & set(b["sectors"]))
    return {"any": False, "partners": partners, "sectors": sectors} if partners or sectors else None


def _countries(a: Normal, b: Normal) -> tuple[Countries, bool] | None:
    """Return the countries in both.

    Unstated means by integrity class, and every class has Sweden in it, so unstated and a list leave at most Sweden;
    `with_class` states them first, for an exact answer.
    """
    for one, other in ((a, b), (b, a)):
        if one["countries_stated"] and one["countries"]["any"]:
            return other["countries"], other["countries_stated"]
    if not (a["countries_stated"] or b["countries_stated"]):
        return {"any": True, "list": []}, False
    lists = [set(x["countries"]["list"]) if x["countries_stated"] else {"SE"} for x in (a, b)]
    both = sorted(lists[0] & lists[1])
    return ({"any": False, "list": both}, True) if both else None


def _gate_thresholds(a: Normal, b: Normal) -> GateThresholds:
    """Return what both ask of the gate: of what either states the stricter, where the default is what the silent one
    asks. Terms that require no gate ask nothing of it."""
    asked = [x["gate_thresholds"] for x in (a, b) if x["gate"] == "required"]
    return cast(
        GateThresholds,
        {
            what.name: what.stricter(*(one.get(what.name, what.default) for one in asked))
            for what in THRESHOLDS
            if any(what.name in one for one in asked)
        },
    )


def meet(a: Normal, b: Normal) -> Normal:
    """Return the terms for what is made from both; `NOTHING` if there is nothing that both permit."""
    actions = set(a["actions"]) & set(b["actions"])
    commercial = a["commercial"] and b["commercial"]
    purposes = _purposes(a["purposes"], b["purposes"], commercial=commercial)
    recipients = _recipients(a["recipients"], b["recipients"])
    countries = _countries(a, b)
    begins = max(a["period"]["from"], b["period"]["from"])
    ends = min(a["period"]["until"], b["period"]["until"])
    if not actions or purposes is None or recipients is None or countries is None or begins >= ends:
        return NOTHING
    days = [x["deletion_days"] for x in (a, b) if x["deletion_days"] >= 0]
    derived = _DERIVED[min(_DERIVED.index(a["derived_use"]), _DERIVED.index(b["derived_use"]))]
    lines = {line for x in (a, b) for line in x["attribution"].split("\n") if line}
    return {
        "schema": 1,
        "actions": in_order(actions),
        "purposes": purposes,
        "recipients": recipients,
        "countries": countries[0],
        "countries_stated": countries[1],
        "period": {"from": begins, "until": ends},
        "commercial": commercial,
        "courses": sorted({*a["courses"], *b["courses"]}),
        "gate": "required" if "required" in (a["gate"], b["gate"]) else "none",
        "gate_thresholds": _gate_thresholds(a, b),
        "derived_use": derived,
        "attribution": "\n".join(sorted(lines)),
        "deletion_days": min(days, default=-1),
    }


def with_class(normal: Normal, integrity_class: Literal["open", "internal", "confidential", "restricted"]) -> Normal:
    """Return the terms with countries stated: unless some are, those that the dataset's integrity class gives."""
    if normal["countries_stated"]:
        return normal
    by_class: dict[str, Countries] = {
        "open": {"any": True, "list": []},
        "internal": {"any": False, "list": list(EEA)},
        "confidential": {"any": False, "list": list(EEA)},
        "restricted": {"any": False, "list": ["SE"]},
    }
    return {**normal, "countries": by_class[integrity_class], "countries_stated": True}
