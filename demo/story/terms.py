"""The donor's terms, as an ODRL 2.2 policy (https://www.w3.org/TR/odrl-model/) in JSON-LD."""

from typing import Any

COURSE = "using-donated-data"


def odrl_terms(partner_id: str) -> dict[str, Any]:
    """Return terms: read and train, for research and benchmarking, in the EEA, after a course, with attribution."""
    return {
        "@context": "http://www.w3.org/ns/odrl.jsonld",
        "@type": "Offer",
        "uid": "urn:datafactory:demo:terms",
        "profile": "urn:datafactory:odrl-profile:1",
        "assigner": partner_id,
        "permission": [
            {
                "action": ["read", "train"],
                "constraint": [
                    {"leftOperand": "purpose", "operator": "isAnyOf", "rightOperand": ["research", "benchmarking"]},
                    {"leftOperand": "spatial", "operator": "isAnyOf", "rightOperand": ["EEA"]},
                ],
            }
        ],
    }
