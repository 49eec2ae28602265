"""The words that terms are made of: the normal form, the part of ODRL 2.2 that is understood, and our profile of it.

ODRL: https://www.w3.org/TR/odrl-model/ and https://www.w3.org/TR/odrl-vocab/. The profile's namespace is `PROFILE`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from typing_extensions import TypedDict

from services.access.identity.countries import COUNTRIES
from services.access.vocabulary import ACTIONS, PURPOSES

ODRL: Final = "http://www.w3.org/ns/odrl/2/"
ODRL_CONTEXT: Final = "http://www.w3.org/ns/odrl.jsonld"
PROFILE: Final = "https://datafactory.example/ns#"
"""Namespace, `odrl:profile` and context IRI of the factory's own terms; never fetched, by anyone."""
XSD: Final = "http://www.w3.org/2001/XMLSchema#"
CC: Final = "http://creativecommons.org/ns#"

PREFIXES: Final = {"odrl": ODRL, "df": PROFILE, "xsd": XSD, "cc": CC}
"""Prefixes that an inline context may declare, each as itself."""

ODRL_TERMS: Final = {
    **{"uid": "@id", "type": "@type"},
    **{
        name: ODRL + name
        for name in (
            *("Offer", "Set", "Permission", "Prohibition", "Duty", "Constraint", "LogicalConstraint"),
            *("profile", "conflict", "prohibit", "permission", "prohibition", "duty", "action", "target", "constraint"),
            *("leftOperand", "operator", "rightOperand", "and"),
            *("use", "read", "annotate", "derive", "attribute", "delete"),
            *("purpose", "recipient", "spatial", "dateTime", "delayPeriod"),
            *("eq", "isAnyOf", "isAllOf", "gteq", "lt", "lteq"),
            # Known to ODRL, and refused by name rather than as unknown words.
            *("assigner", "assignee", "obligation", "inheritFrom", "refinement", "remedy", "consequence", "or", "xone"),
            *("andSequence", "rightOperandReference", "unit", "status", "gt", "isA", "hasPart", "isPartOf", "isNoneOf"),
        )
    },
}
"""Terms of the W3C's context as far as a policy here can use them (`neq` is not: it maps that to `odrl:neg`)."""

PROFILE_TERMS: Final = {
    name: PROFILE + name
    for name in (
        *("prepare", "train", "deploy", "share-derivative", "course", "commercial", "gate", "text", "dataset"),
        *("gateK", "gateRecall", "gateReviewed", "gateWithheld"),
    )
}
"""Terms of our own context, for policies that name it."""

ACTION_IRIS: Final = {
    ODRL + "read": "read",
    PROFILE + "read": "read",
    PROFILE + "prepare": "prepare",
    ODRL + "annotate": "annotate",
    PROFILE + "annotate": "annotate",
    PROFILE + "train": "train",
    PROFILE + "deploy": "deploy",
    PROFILE + "share-derivative": "share-derivative",
}
USE: Final = ODRL + "use"
"""In the profile every action of the factory, and deriving, is included in `odrl:use`; commerce is not."""
DERIVE: Final = ODRL + "derive"
COMMERCE: Final = frozenset({ODRL + "commercialize", CC + "CommercialUse"})
SHARE_ALIKE: Final = frozenset({ODRL + "shareAlike", CC + "ShareAlike"})
ATTRIBUTE: Final = ODRL + "attribute"
DELETE: Final = ODRL + "delete"

ANY_PURPOSE: Final = "any-purpose"
"""The root of the tree of purposes: who permits it permits all. A policy must say so; silence is not consent."""
WORLDWIDE: Final = "worldwide"
COMMERCIAL_PURPOSE: Final = "innovation/product-development"

EEA: Final = (
    *("AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE"),
    *("IS", "IT", "LI", "LT", "LU", "LV", "MT", "NL", "NO", "PL", "PT", "RO", "SE", "SI", "SK"),
)
"""The European Economic Area: the 27 members of the Union, Iceland, Liechtenstein and Norway."""

SECTORS: Final = ("academia", "industry", "nonprofit", "public")

PARTNER_URN: Final = "urn:datafactory:partner:"
SECTOR_URN: Final = "urn:datafactory:sector:"
COUNTRY_URN: Final = "urn:datafactory:country:"
COURSE_URN: Final = "urn:datafactory:course:"

END_OF_TIME: Final = 253402300799
"""9999-12-31T23:59:59Z in seconds since 1970: no end."""
MAX_DELETION_DAYS: Final = 36500


@dataclass(frozen=True)
class Threshold:
    """Something that the gate measures. `least`: a version passes from the value on; otherwise up to it.

    `low` and `high` are the values that terms may state, `default` is what holds where they state none.
    """

    name: str
    word: str
    least: bool
    low: int
    high: int
    default: int

    def stricter(self, *values: int) -> int:
        """Return the value that lets the fewest versions pass."""
        return max(values) if self.least else min(values)


THRESHOLDS: Final = (
    Threshold("k", PROFILE + "gateK", True, 2, 1000, 5),
    # A lower bound of an interval never reaches 100: whoever asked for that would have every version refused.
    Threshold("recall", PROFILE + "gateRecall", True, 1, 99, 80),
    Threshold("reviewed", PROFILE + "gateReviewed", True, 1, 1000, 20),
    Threshold("withheld", PROFILE + "gateWithheld", False, 0, 100, 10),
)
"""What terms may ask of the gate: k-anonymity; recall in percent, as the lower bound of its 95 % interval; places that
a steward has judged; files withheld, in percent."""

DerivedUse = Literal["allowed", "same-terms", "forbidden"]
Gate = Literal["none", "required"]


class Purposes(TypedDict):
    """Any, or these and their children: sorted, none inside another."""

    any: bool
    list: list[str]


class Recipients(TypedDict):
    """Any, or these partners (ids, sorted) and those of these sectors (sorted)."""

    any: bool
    partners: list[str]
    sectors: list[str]


class Countries(TypedDict):
    """Any, or these (ISO 3166-1 alpha-2, sorted)."""

    any: bool
    list: list[str]


Period = TypedDict("Period", {"from": int, "until": int})
"""Seconds since 1970-01-01T00:00:00Z: from <= now < until."""


class GateThresholds(TypedDict, total=False):
    """What is asked of the gate, as far as it is stated (see `THRESHOLDS`); empty where no gate is required."""

    k: int
    recall: int
    reviewed: int
    withheld: int


class Normal(TypedDict):
    """The normal form of terms: everything said, nothing null, one form for one meaning."""

    schema: Literal[1]
    actions: list[str]
    purposes: Purposes
    recipients: Recipients
    countries: Countries
    countries_stated: bool
    period: Period
    commercial: bool
    courses: list[str]
    gate: Gate
    gate_thresholds: GateThresholds
    derived_use: DerivedUse
    attribution: str
    deletion_days: int


@dataclass(frozen=True)
class Fault:
    """One thing in a policy that cannot be kept. `pointer`: RFC 6901, to a place that exists in the policy."""

    pointer: str
    code: str
    params: dict[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True)
class Refused:
    """What `normalise` gives instead of a normal form: at least one fault."""

    faults: tuple[Fault, ...]


def in_order(actions: set[str]) -> list[str]:
    """Return actions in the order of DESIGN §3."""
    return [action for action in ACTIONS if action in actions]


def areas(countries: Sequence[str]) -> list[str]:
    """Return the countries with the EEA by its name, where all of it is there."""
    if not set(EEA) <= set(countries):
        return list(countries)
    return ["EEA", *(country for country in countries if country not in EEA)]


__all__ = [
    "ACTIONS",
    "COUNTRIES",
    "PURPOSES",
    "Countries",
    "DerivedUse",
    "Fault",
    "Gate",
    "GateThresholds",
    "Normal",
    "Period",
    "Purposes",
    "Recipients",
    "Refused",
    "Threshold",
    "areas",
    "in_order",
]
