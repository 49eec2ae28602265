"""The law told a second time, in Python, from DESIGN §3 and the meaning of the codes; written apart from the Rego."""

from typing import Any

EEA: set[str] = set("AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IS IT LI LT LU LV MT NL NO PL PT RO SE SI SK".split())
ISOLATIONS = ["none", "user", "sandbox", "node"]
# class -> weakest isolation, audit needed, own hardware needed, countries when the terms are silent (None: any)
CLASSES: dict[str, tuple[str, bool, bool, set[str] | None]] = {
    "open": ("none", False, False, None),
    "internal": ("user", False, False, EEA),
    "confidential": ("sandbox", True, False, EEA),
    "restricted": ("sandbox", False, True, {"SE"}),
}


def within(permitted: str, asked: str) -> bool:
    return asked.split("/")[: len(permitted.split("/"))] == permitted.split("/")


def expected_codes(facts: dict[str, Any]) -> list[str]:
    """The codes of a well-formed input, sorted; none is a permit."""
    codes: set[str] = set()
    now, terms, action = facts["environment"]["now"], facts["terms"], facts["request"]["action"]
    asked, project, partner = facts["request"]["purpose"], facts["project"], facts["partner"]

    def current(period: dict[str, Any]) -> bool:
        return period["from"] <= now < period["until"]

    usable, begun = [], []
    for grant in facts["grants"]:
        if action in grant["actions"]:
            begun += [grant] if grant["from"] <= now else []
            usable += [grant] if current(grant) and not grant["revoked"] else []
    fitting = [grant for grant in usable if within(grant["purpose"], asked)]
    if not usable:
        newest = max((grant["from"] for grant in begun), default=None)
        last = [grant for grant in begun if grant["from"] == newest]
        revoked = any(grant["revoked"] for grant in last)
        codes.add("grant-revoked" if revoked else "grant-expired" if last else "grant-absent")
    if not any(grant["agreement"]["signed"] for grant in fitting or usable):
        codes.add("agreement-unsigned")

    commercial = asked in {"innovation", "innovation/product-development"}
    by_terms = terms["purposes"]["any"] or any(within(permitted, asked) for permitted in terms["purposes"]["list"])
    if (
        not by_terms
        or (commercial and not terms["commercial"])
        or not within(project["purpose"], asked)
        or (usable and not fitting)
    ):
        codes.add("purpose-not-permitted")

    recipients = terms["recipients"]
    if not (recipients["any"] or partner["id"] in recipients["partners"] or partner["sector"] in recipients["sectors"]):
        codes.add("recipient-not-permitted")
    if action not in terms["actions"] or (action == "share-derivative" and terms["derived_use"] == "forbidden"):
        codes.add("action-not-permitted")
    if not current(terms["period"]) or now >= project["ethics_until"]:
        codes.add("period-not-open")
    held = {completion["course"] for completion in facts["completions"] if current(completion)}
    if not set(terms["courses"]) <= held:
        codes.add("course-not-valid")
    member = facts["membership"]["active"] and facts["membership"]["role"] != "none"
    running = project["open"] and project["starts"] <= now < project["ends"]
    suspended = not facts["subject"]["active"] or not partner["active"]
    if not member or not running or suspended or partner["id"] not in project["partner_ids"]:
        codes.add("membership-ended")

    version, dataset = facts["version"], facts["dataset"]
    if dataset["state"] == "withdrawn":
        codes.add("dataset-withdrawn")
    if action == "prepare":
        if version["state"] in {"withdrawn", "redacted"}:
            codes.add("version-not-released")
    else:
        gated = version["gate"] == "required" or version["personal_data"] != "no" or terms["gate"] == "required"
        if dataset["state"] == "draft" or version["state"] != "released" or (gated and version["gate"] != "passed"):
            codes.add("version-not-released")
    return sorted(codes | where_codes(facts))


def where_codes(facts: dict[str, Any]) -> set[str]:
    cluster, now, codes = facts["environment"]["cluster"], facts["environment"]["now"], set[str]()
    isolation, audited, own, countries = CLASSES[facts["dataset"]["integrity_class"]]
    country = facts["partner"]["country"]
    if facts["request"]["action"] in {"train", "deploy"}:
        if cluster["kind"] == "none":
            return {"integrity-class-not-met"}
        country = cluster["country"]
        if own and not cluster["own"]:
            codes.add("integrity-class-not-met")
        if ISOLATIONS.index(cluster["isolation"]) < ISOLATIONS.index(isolation):
            codes.add("isolation-too-weak")
        audit = cluster["audit"]
        if audited and audit["kind"] == "audit" and audit["until"] <= now:
            codes.add("audit-lapsed")
        elif audited and (audit["kind"] == "none" or now < audit["from"]):
            codes.add("audit-absent")
    elif cluster["kind"] != "none":
        codes.add("integrity-class-not-met")
    stated = facts["terms"]["countries"]
    if facts["terms"]["countries_stated"]:
        countries = None if stated["any"] else set(stated["list"])
    if countries is not None and country not in countries:
        codes.add("country-not-permitted")
    return codes
