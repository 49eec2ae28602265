"""The way from a no to a yes: for each code, who can do what, with the ids that the operation takes. Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from services.access.decisions.engine.port import CODES, DecisionInput
from services.access.decisions.texts import CURE_TEXTS
from services.access.vocabulary import PURPOSES
from services.kit.texts import Language

Kind = Literal["act", "ask", "wait", "choose", "none"]
"""act: the caller or the project can · ask: someone else must · wait · choose: something else · none: not here."""

COMMERCIAL = ("innovation", "innovation/product-development")
"""Purposes that are, or include, a commercial one (policies/purposes.rego)."""

ISOLATION_AT_LEAST = {"open": "none", "internal": "user", "confidential": "sandbox", "restricted": "sandbox"}


@dataclass(frozen=True, slots=True)
class Cure:
    """One way out. `text` names an entry of CURE_TEXTS; `operation_id` is the API operation, if there is one."""

    kind: Kind
    text: str
    operation_id: str | None = None
    ids: Mapping[str, Any] = field(default_factory=dict[str, Any])

    def told(self, language: Language) -> dict[str, Any]:
        """Return the cure as the API gives it: kind, operation_id, text in `language`, and the ids beside them."""
        text = CURE_TEXTS[self.text][language]
        return {"kind": self.kind, "operation_id": self.operation_id, "text": text, **self.ids}


def _valid(period: Mapping[str, Any], now: int) -> bool:
    return period["from"] <= now < period["until"]


def _covers(permitted: str, asked: str) -> bool:
    return asked == permitted or asked.startswith(permitted + "/")


def _usable(facts: DecisionInput) -> list[Mapping[str, Any]]:
    now, action = facts["environment"]["now"], facts["request"]["action"]
    return [g for g in facts["grants"] if action in g["actions"] and not g["revoked"] and _valid(g, now)]


def _permitted_purposes(terms: Mapping[str, Any]) -> list[str]:
    """Return every purpose of the tree that the terms permit, children included."""
    purposes = terms["purposes"]
    by_tree = [p for p in PURPOSES if purposes["any"] or any(_covers(permitted, p) for permitted in purposes["list"])]
    return [p for p in by_tree if terms["commercial"] or p not in COMMERCIAL]


def _purpose(facts: DecisionInput) -> list[Cure]:
    asked, terms = facts["request"]["purpose"], facts["terms"]
    by_terms = terms["purposes"]["any"] or any(_covers(p, asked) for p in terms["purposes"]["list"])
    by_commerce = terms["commercial"] or asked not in COMMERCIAL
    found: list[Cure] = []
    if not (by_terms and by_commerce and _covers(facts["project"]["purpose"], asked)):
        permitted = _permitted_purposes(terms)
        ids = {"project_id": facts["project"]["id"], "permitted_purposes": permitted}
        found.append(Cure("act", "change-purpose", "update_project", ids))
    usable = _usable(facts)
    if usable and not any(_covers(g["purpose"], asked) for g in usable):
        found.append(Cure("act", "request-for-purpose", "create_request", _request_ids(facts)))
    return found


def _request_ids(facts: DecisionInput) -> dict[str, Any]:
    request = facts["request"]
    return {
        "project_id": facts["project"]["id"],
        "dataset_id": facts["dataset"]["id"],
        "actions": [request["action"]],
        "purpose": request["purpose"],
    }


def _course(facts: DecisionInput) -> list[Cure]:
    now = facts["environment"]["now"]
    valid = {c["course"] for c in facts["completions"] if _valid(c, now)}
    missing = [course for course in facts["terms"]["courses"] if course not in valid]
    return [Cure("act", "take-course", "start_attempt", {"course_id": course}) for course in missing]


def _request(text: str) -> Callable[[DecisionInput], list[Cure]]:
    def cure(facts: DecisionInput) -> list[Cure]:
        return [Cure("act", text, "create_request", _request_ids(facts))]

    return cure


def _agreement(facts: DecisionInput) -> list[Cure]:
    asked, usable = facts["request"]["purpose"], _usable(facts)
    fitting = [g for g in usable if _covers(g["purpose"], asked)] or usable
    if not fitting:
        return [Cure("act", "sign-later", "sign_agreement")]
    ids = [g["agreement"]["id"] for g in fitting if not g["agreement"]["signed"]]
    return [Cure("act", "sign", "sign_agreement", {"agreement_id": agreement_id}) for agreement_id in ids]


def _membership(facts: DecisionInput) -> list[Cure]:
    project, partner, now = facts["project"], facts["partner"], facts["environment"]["now"]
    found: list[Cure] = []
    if not (facts["subject"]["active"] and partner["active"]):
        found.append(Cure("none", "ask-operator"))
    if not project["open"]:
        found.append(Cure("choose", "project-closed", "create_project"))
        return found
    if not project["starts"] <= now < project["ends"]:
        found.append(Cure("ask", "ask-lead-for-dates", "update_project", {"project_id": project["id"]}))
    if partner["id"] not in project["partner_ids"]:
        ids = {"project_id": project["id"], "partner_id": partner["id"]}
        found.append(Cure("ask", "ask-lead-for-partner", "update_project", ids))
    if not facts["membership"]["active"] or facts["membership"]["role"] == "none":
        ids = {"project_id": project["id"], "user_id": facts["subject"]["id"]}
        found.append(Cure("ask", "ask-lead-to-add", "add_member", ids))
    return found


def _version(facts: DecisionInput) -> list[Cure]:
    version, dataset = facts["version"], facts["dataset"]
    ids = {"version_id": version["id"]}
    if version["state"] in {"withdrawn", "redacted"}:
        return [Cure("choose", "other-version", "list_versions", {"dataset_id": dataset["id"]})]
    found: list[Cure] = []
    needs_gate = (
        version["gate"] != "not-required" or version["personal_data"] != "no" or facts["terms"]["gate"] == "required"
    )
    if needs_gate and version["gate"] != "passed":
        found.append(Cure("ask", "gate-first", "release_version", ids))
    elif version["state"] != "released":
        found.append(Cure("ask", "ask-steward-to-release", "release_version", ids))
    if dataset["state"] == "draft":
        found.append(Cure("ask", "ask-steward-to-publish", "publish_dataset", {"dataset_id": dataset["id"]}))
    return found


def _donor(facts: DecisionInput) -> dict[str, Any]:
    return {"partner_id": facts["dataset"]["partner_id"]}


def _period(facts: DecisionInput) -> list[Cure]:
    period, now = facts["terms"]["period"], facts["environment"]["now"]
    found: list[Cure] = []
    if now < period["from"] < period["until"]:
        opens_at = datetime.fromtimestamp(period["from"], UTC).isoformat()
        found.append(Cure("wait", "wait", None, {"opens_at": opens_at}))
    elif not _valid(period, now):
        found.append(Cure("none", "period-over", None, _donor(facts)))
    if now >= facts["project"]["ethics_until"]:
        found.append(Cure("act", "renew-ethics", "update_project", {"project_id": facts["project"]["id"]}))
    return found


def _computes(facts: DecisionInput) -> bool:
    return facts["request"]["action"] in {"train", "deploy"}


def _country(facts: DecisionInput) -> list[Cure]:
    if _computes(facts):
        return [Cure("choose", "choose-country")]
    return [Cure("none", "no-cure-country", None, _donor(facts))]


def _class(facts: DecisionInput) -> list[Cure]:
    if not _computes(facts):
        return [Cure("choose", "leave-cluster-out")]
    own = facts["dataset"]["integrity_class"] == "restricted"
    return [Cure("choose", "choose-own-cluster" if own else "choose-cluster")]


def _isolation(facts: DecisionInput) -> list[Cure]:
    at_least = ISOLATION_AT_LEAST[facts["dataset"]["integrity_class"]]
    return [Cure("choose", "choose-isolation", None, {"isolation_at_least": at_least})]


_CURES: Mapping[str, Callable[[DecisionInput], list[Cure]]] = {
    "action-not-permitted": lambda facts: [
        Cure("none", "no-cure-action", None, {**_donor(facts), "permitted_actions": list(facts["terms"]["actions"])})
    ],
    "agreement-unsigned": _agreement,
    "audit-absent": lambda _: [Cure("choose", "choose-audited")],
    "audit-lapsed": lambda _: [Cure("choose", "choose-audited-again")],
    "country-not-permitted": _country,
    "course-not-valid": _course,
    "dataset-withdrawn": lambda _: [Cure("choose", "other-dataset", "list_datasets")],
    "grant-absent": _request("request-grant"),
    "grant-expired": _request("request-again"),
    "grant-revoked": _request("request-after-revocation"),
    "integrity-class-not-met": _class,
    "isolation-too-weak": _isolation,
    "membership-ended": _membership,
    "period-not-open": _period,
    "purpose-not-permitted": _purpose,
    "recipient-not-permitted": lambda facts: [Cure("none", "no-cure-recipient", None, _donor(facts))],
    "version-not-released": _version,
}


def cures(codes: Sequence[str], facts: DecisionInput) -> dict[str, list[Cure]]:
    """Return for each code of a denied decision the ways out that its own input shows, in the order given.

    `facts` is a valid decision input, `codes` what the law said of it. Raises KeyError for a code there is not.
    """
    unknown = set(codes) - set(CODES)
    if unknown:
        raise KeyError(f"no such decision codes: {sorted(unknown)}")
    return {code: _CURES[code](facts) for code in codes}
