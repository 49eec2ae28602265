"""The donor's terms, as an ODRL 2.2 policy (https://www.w3.org/TR/odrl-model/) in JSON-LD, in the factory's profile."""

from typing import Any

COURSE = "using-donated-data"
PROFILE = "https://datafactory.example/ns#"


def _constraint(left: str, operator: str, right: Any) -> dict[str, Any]:
    return {"leftOperand": left, "operator": operator, "rightOperand": right}


def people_terms() -> dict[str, Any]:
    """Return terms for data about people: read, for research in the EEA, and only what has passed a gate.

    The gate asks for k = 5 in tables, recall of at least 60 % (lower end of its 95 % interval) in 40 judged places, and
    at most one file in ten withheld.
    """
    number = "xsd:integer"
    thresholds = [("df:gateK", "gteq", 5), ("df:gateRecall", "gteq", 60), ("df:gateReviewed", "gteq", 40)]
    return {
        "@context": ["http://www.w3.org/ns/odrl.jsonld", {"df": PROFILE}],
        "@type": "Offer",
        "profile": PROFILE,
        "permission": [
            {
                "action": ["read", "annotate", "derive"],
                "constraint": [
                    _constraint("purpose", "isAnyOf", [{"@id": "df:research"}]),
                    _constraint("spatial", "isAnyOf", [{"@id": "urn:datafactory:country:EEA"}]),
                    _constraint("df:gate", "eq", "required"),
                    *(_constraint(left, op, {"@value": str(n), "@type": number}) for left, op, n in thresholds),
                    _constraint("df:gateWithheld", "lteq", {"@value": "10", "@type": number}),
                ],
            }
        ],
        "prohibition": [{"action": ["odrl:commercialize"]}],
    }


def labelling_terms() -> dict[str, Any]:
    """Return terms for pictures that others may label: read, annotate and train, for research."""
    return {
        "@context": ["http://www.w3.org/ns/odrl.jsonld", {"df": PROFILE}],
        "@type": "Offer",
        "profile": PROFILE,
        "permission": [
            {
                "action": ["read", "annotate", "df:train", "derive"],
                "constraint": [_constraint("purpose", "isAnyOf", [{"@id": "df:research"}])],
            }
        ],
    }


def odrl_terms() -> dict[str, Any]:
    """Return terms: read and train, not commercially, for research and benchmarking, in the EEA, after a course.

    With two duties: name the donor, and delete copies within 30 days after the grant ends.
    """
    delay = {"@value": "P30D", "@type": "xsd:duration"}
    return {
        "@context": ["http://www.w3.org/ns/odrl.jsonld", {"df": PROFILE}],
        "@type": "Offer",
        "profile": PROFILE,
        "permission": [
            {
                "action": ["read", "df:train", "derive"],
                "constraint": [
                    _constraint("purpose", "isAnyOf", [{"@id": "df:research"}, {"@id": "df:benchmarking"}]),
                    _constraint("spatial", "isAnyOf", [{"@id": "urn:datafactory:country:EEA"}]),
                    _constraint("df:course", "isAllOf", [{"@id": f"urn:datafactory:course:{COURSE}"}]),
                ],
                "duty": [
                    {"action": "attribute", "df:text": "Handwritten digits, donated by Nordvik Sensorik AB"},
                    {"action": "delete", "constraint": [_constraint("delayPeriod", "lteq", delay)]},
                ],
            }
        ],
        "prohibition": [{"action": ["odrl:commercialize"]}],
    }
