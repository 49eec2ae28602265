"""From a normal form back to an ODRL policy. Pure."""

from collections.abc import Sequence
from typing import Any, Final

from services.access.terms.constraints import written
from services.access.terms.vocabulary import (
    ANY_PURPOSE,
    COUNTRY_URN,
    COURSE_URN,
    END_OF_TIME,
    ODRL_CONTEXT,
    PARTNER_URN,
    PROFILE,
    SECTOR_URN,
    THRESHOLDS,
    WORLDWIDE,
    Normal,
    areas,
)

_ACTION_WORDS: Final = {
    "read": "read",
    "annotate": "annotate",
    "prepare": "df:prepare",
    "train": "df:train",
    "deploy": "df:deploy",
    "share-derivative": "df:share-derivative",
}


def _constraint(left: str, operator: str, right: Any) -> dict[str, Any]:
    return {"leftOperand": left, "operator": operator, "rightOperand": right}


def _ids(prefix: str, names: Sequence[str]) -> list[dict[str, str]]:
    return [{"@id": prefix + name} for name in names]


def to_odrl(normal: Normal) -> dict[str, Any]:
    """Return an ODRL policy (JSON-LD) that normalises to `normal` again.

    Raises ValueError if `normal` permits nothing: there is no offer in that.
    """
    if not normal["actions"]:
        raise ValueError("terms that permit nothing are no offer")
    derived = normal["derived_use"]
    actions = [_ACTION_WORDS[action] for action in normal["actions"]]
    actions += ["derive"] * (derived != "forbidden") + ["odrl:commercialize"] * normal["commercial"]
    forbidden = ["derive"] * (derived == "forbidden") + ["odrl:commercialize"] * (not normal["commercial"])
    permission: dict[str, Any] = {"action": actions, "constraint": _constraints(normal)}
    duties = _duties(normal)
    if duties:
        permission["duty"] = duties
    policy: dict[str, Any] = {
        "@context": [ODRL_CONTEXT, {"df": PROFILE}],
        "@type": "Offer",
        "profile": PROFILE,
        "permission": [permission],
    }
    if forbidden:
        policy["prohibition"] = [{"action": forbidden}]
    return policy


def _constraints(normal: Normal) -> list[dict[str, Any]]:
    purposes = [ANY_PURPOSE] if normal["purposes"]["any"] else normal["purposes"]["list"]
    found = [_constraint("purpose", "isAnyOf", _ids("df:", purposes))]
    recipients = normal["recipients"]
    if not recipients["any"]:
        parties = _ids(PARTNER_URN, recipients["partners"]) + _ids(SECTOR_URN, recipients["sectors"])
        found.append(_constraint("recipient", "isAnyOf", parties))
    if normal["countries_stated"]:
        places = [WORLDWIDE] if normal["countries"]["any"] else areas(normal["countries"]["list"])
        found.append(_constraint("spatial", "isAnyOf", _ids(COUNTRY_URN, places)))
    period = normal["period"]
    for operator, instant, unsaid in (("gteq", period["from"], 0), ("lt", period["until"], END_OF_TIME)):
        if instant != unsaid:
            found.append(_constraint("dateTime", operator, {"@value": written(instant), "@type": "xsd:dateTime"}))
    if normal["courses"]:
        found.append(_constraint("df:course", "isAllOf", _ids(COURSE_URN, normal["courses"])))
    if normal["gate"] == "required":
        found.append(_constraint("df:gate", "eq", "required"))
    for what in THRESHOLDS:
        number = normal["gate_thresholds"].get(what.name)
        if number is not None:
            word = "df:" + what.word.removeprefix(PROFILE)
            found.append(_constraint(word, "gteq" if what.least else "lteq", number))
    return found


def _duties(normal: Normal) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    if normal["attribution"]:
        found += [{"action": "attribute", "df:text": line} for line in normal["attribution"].split("\n")]
    if normal["deletion_days"] >= 0:
        delay = {"@value": f"P{normal['deletion_days']}D", "@type": "xsd:duration"}
        found.append({"action": "delete", "constraint": [_constraint("delayPeriod", "lteq", delay)]})
    if normal["derived_use"] == "same-terms":
        found.append({"action": "odrl:shareAlike"})
    return found
