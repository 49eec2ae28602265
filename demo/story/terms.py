"""The donor's terms, as an ODRL 2.2 policy (https://www.w3.org/TR/odrl-model/) in JSON-LD, in the factory's profile."""

from typing import Any

COURSE = "using-donated-data"
PROFILE = "https://datafactory.example/ns#"


def _constraint(left: str, operator: str, right: Any) -> dict[str, Any]:
    return {"leftOperand": left, "operator": operator, "rightOperand": right}


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
