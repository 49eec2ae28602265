"""Decision inputs that are permitted, and ways to take something away from them."""

import copy
import uuid
from collections.abc import Iterator
from typing import Any

Facts = dict[str, Any]
Path = tuple[str | int, ...]

NOW = 1_795_600_000
END = 253_402_300_799


def an_id(n: int) -> str:
    """The n-th id of these tests: a UUIDv7 in shape."""
    return str(uuid.UUID(int=(7 << 76) | (2 << 62) | n))


def read_facts() -> Facts:
    """A member of a Swedish university's project reads internal data under a signed grant."""
    return {
        "schema": 1,
        "request": {"action": "read", "purpose": "research/health", "paths_digest": ""},
        "subject": {"id": an_id(1), "active": True},
        "partner": {"id": an_id(2), "sector": "academia", "country": "SE", "active": True},
        "project": {
            "id": an_id(3),
            "purpose": "research",
            "open": True,
            "starts": 0,
            "ends": END,
            "partner_ids": [an_id(2)],
            "ethics_until": END,
        },
        "membership": {"active": True, "role": "member"},
        "dataset": {"id": an_id(4), "state": "published", "integrity_class": "internal", "partner_id": an_id(5)},
        "version": {"id": an_id(6), "state": "released", "gate": "not-required", "personal_data": "no"},
        "terms": {
            "schema": 1,
            "actions": ["read", "train"],
            "purposes": {"any": False, "list": ["research"]},
            "recipients": {"any": True, "partners": [], "sectors": []},
            "countries": {"any": True, "list": []},
            "countries_stated": False,
            "period": {"from": 0, "until": END},
            "commercial": False,
            "courses": ["using-donated-data"],
            "gate": "none",
            "derived_use": "same-terms",
            "attribution": "Data by the donor",
            "deletion_days": 30,
        },
        "completions": [{"course": "using-donated-data", "from": NOW - 100, "until": NOW + 100}],
        "grants": [
            {
                "id": an_id(7),
                "actions": ["read", "train"],
                "purpose": "research",
                "from": NOW - 10,
                "until": NOW + 10,
                "revoked": False,
                "agreement": {"id": an_id(8), "signed": True},
            }
        ],
        "environment": {"now": NOW, "cluster": {"kind": "none"}},
    }


def train_facts() -> Facts:
    """The same project trains on confidential data on an audited sandbox in Norway; the terms name who and where."""
    facts = read_facts()
    facts["request"]["action"] = "train"
    facts["dataset"]["integrity_class"] = "confidential"
    facts["version"] |= {"gate": "passed", "personal_data": "yes"}
    facts["terms"] |= {
        "recipients": {"any": False, "partners": [an_id(2)], "sectors": ["academia"]},
        "countries": {"any": False, "list": ["NO"]},
        "countries_stated": True,
        "gate": "required",
    }
    facts["environment"]["cluster"] = {
        "kind": "remote",
        "id": an_id(9),
        "isolation": "sandbox",
        "own": False,
        "country": "NO",
        "audit": {"kind": "audit", "from": NOW - 10, "until": NOW + 10},
    }
    return facts


def restricted_facts() -> Facts:
    """The same project trains on restricted data on the factory's own hardware."""
    facts = read_facts()
    facts["request"]["action"] = "train"
    facts["dataset"]["integrity_class"] = "restricted"
    facts["environment"]["cluster"] = {
        "kind": "local",
        "id": an_id(9),
        "isolation": "node",
        "own": True,
        "country": "SE",
        "audit": {"kind": "none"},
    }
    return facts


def prepare_facts() -> Facts:
    """A raw version with personal data is prepared: the only action it permits."""
    facts = read_facts()
    facts["request"]["action"] = "prepare"
    facts["dataset"]["state"] = "draft"
    facts["version"] |= {"state": "committed", "gate": "required", "personal_data": "unknown"}
    facts["terms"] |= {"actions": ["prepare"], "purposes": {"any": True, "list": []}, "gate": "required"}
    facts["grants"][0]["actions"] = ["prepare"]
    return facts


PERMITTED = {"read": read_facts, "train": train_facts, "restricted": restricted_facts, "prepare": prepare_facts}


def newcomer_facts() -> Facts:
    """Published, released data; the wrong purpose, no course, no grant."""
    facts = read_facts()
    facts["request"]["purpose"] = facts["project"]["purpose"] = "innovation/product-development"
    facts["completions"] = []
    facts["grants"] = []
    return facts


def paths_of(value: Any, at: Path = ()) -> Iterator[Path]:
    """Every place in a JSON value below the top: members of objects and elements of lists, nested included."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield (*at, name)
            yield from paths_of(inner, (*at, name))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield (*at, index)
            yield from paths_of(inner, (*at, index))


def value_at(facts: Any, path: Path) -> Any:
    for step in path:
        facts = facts[step]
    return facts


def with_value(facts: Facts, path: Path, value: Any) -> Facts:
    """A copy with `value` at `path`."""
    changed = copy.deepcopy(facts)
    value_at(changed, path[:-1])[path[-1]] = value
    return changed


def without(facts: Facts, path: Path) -> Facts:
    """A copy without the member at `path`."""
    changed = copy.deepcopy(facts)
    del value_at(changed, path[:-1])[path[-1]]
    return changed


def at(path: str) -> Path:
    """`"grants/0/until"` as a path."""
    return tuple(int(step) if step.isdigit() else step for step in path.split("/"))
