"""Normal forms and policies for the tests of terms."""

import json
from typing import Any, cast

from hypothesis import strategies as st

from services.access.terms.normalise import normalise
from services.access.terms.schemas import EXAMPLES
from services.access.terms.vocabulary import (
    ACTIONS,
    COMMERCIAL_PURPOSE,
    COUNTRIES,
    EEA,
    END_OF_TIME,
    PURPOSES,
    SECTORS,
    THRESHOLDS,
    Normal,
    Refused,
    in_order,
)
from services.kit.text import clean_line


def example(name: str) -> dict[str, Any]:
    """Return one of the published example policies."""
    return cast(dict[str, Any], json.loads((EXAMPLES / f"{name}.json").read_text(encoding="utf-8")))


def kept(document: Any) -> Normal:
    """Return the normal form of a policy that must have one."""
    normal = normalise(document)
    assert not isinstance(normal, Refused), normal
    return normal


def policy(*constraints: dict[str, Any], **permission: Any) -> dict[str, Any]:
    """Return a policy that permits reading for research, with further constraints and members of its permission."""
    purpose = {"leftOperand": "purpose", "operator": "eq", "rightOperand": "research"}
    return {
        "@context": ["http://www.w3.org/ns/odrl.jsonld", {"df": "https://datafactory.example/ns#"}],
        "@type": "Offer",
        "permission": [{"action": ["read"], "constraint": [purpose, *constraints], **permission}],
    }


def constraint(left: str, operator: str, right: Any) -> dict[str, Any]:
    """Return an ODRL constraint."""
    return {"leftOperand": left, "operator": operator, "rightOperand": right}


def at(document: Any, pointer: str) -> Any:
    """Return what a JSON pointer points at; KeyError or IndexError if that does not exist."""
    for part in pointer.split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        document = document[int(key)] if isinstance(document, list) else document[key]
    return document


def _outermost(purposes: set[str]) -> list[str]:
    return sorted(p for p in purposes if not any(p.startswith(other + "/") for other in purposes))


def _clean(line: str) -> str:
    try:
        return clean_line(line)
    except ValueError:
        return ""


_subsets = st.sets(st.sampled_from(PURPOSES), min_size=1, max_size=5)
_uuids = st.uuids().map(str)
_lines = st.lists(st.text(min_size=1, max_size=30).map(_clean).filter(bool), max_size=3)


@st.composite
def normals(draw: st.DrawFn) -> Normal:
    """Any normal form that permits something."""
    commercial = draw(st.booleans())
    derived = draw(st.sampled_from(["allowed", "same-terms", "forbidden"]))
    usable = set(ACTIONS) - ({"share-derivative"} if derived == "forbidden" else set())
    purposes = set() if draw(st.booleans()) else draw(_subsets)
    if not commercial:
        purposes.discard(COMMERCIAL_PURPOSE)
    partners, sectors = draw(st.sets(_uuids, max_size=3)), draw(st.sets(st.sampled_from(SECTORS), max_size=2))
    countries = set(draw(st.sets(st.sampled_from(sorted(COUNTRIES)), max_size=4))) | set(
        draw(st.sampled_from([(), EEA]))
    )
    stated = draw(st.booleans())
    begins, ends = sorted(draw(st.tuples(st.integers(1, END_OF_TIME - 1), st.integers(1, END_OF_TIME - 1))))
    begins, ends = draw(st.sampled_from([0, begins])), draw(st.sampled_from([ends + 1, END_OF_TIME]))
    gate = draw(st.sampled_from(["none", "required"]))
    normal: dict[str, Any] = {
        "schema": 1,
        "actions": in_order(draw(st.sets(st.sampled_from(sorted(usable)), min_size=1))),
        "purposes": {"any": not purposes, "list": _outermost(purposes)},
        "recipients": {"any": not (partners or sectors), "partners": sorted(partners), "sectors": sorted(sectors)},
        "countries": {"any": not (stated and countries), "list": sorted(countries) if stated else []},
        "countries_stated": stated,
        "period": {"from": begins, "until": ends},
        "commercial": commercial,
        "courses": sorted(draw(st.sets(st.from_regex(r"[a-z0-9][a-z0-9-]{0,20}", fullmatch=True), max_size=3))),
        "gate": gate,
        "gate_thresholds": {
            t.name: draw(st.integers(t.low, t.high)) for t in THRESHOLDS if gate == "required" and draw(st.booleans())
        },
        "derived_use": derived,
        "attribution": "\n".join(sorted(set(draw(_lines)))),
        "deletion_days": draw(st.sampled_from([-1, 0, 1, 30, 36500])),
    }
    return cast(Normal, normal)
