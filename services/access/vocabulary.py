"""The words of the law that every room of access shares. The policy has the same lists; a test holds them equal."""

from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

Action = Literal["read", "prepare", "annotate", "train", "deploy", "share-derivative"]
ACTIONS: tuple[str, ...] = get_args(Action)

PURPOSES: tuple[str, ...] = (
    "benchmarking",
    "education",
    "innovation",
    "innovation/pre-commercial",
    "innovation/product-development",
    "public-interest",
    "public-interest/public-service",
    "public-interest/statistics",
    "research",
    "research/applied",
    "research/basic",
    "research/health",
    "research/method-development",
)
"""The tree of purposes as paths, sorted: who permits a purpose permits its children."""


def _known(value: str) -> str:
    if value not in PURPOSES:
        raise PydanticCustomError("unknown-purpose", "not a purpose; one of {known}", {"known": ", ".join(PURPOSES)})
    return value


Purpose = Annotated[str, Field(json_schema_extra={"enum": list(PURPOSES)}), AfterValidator(_known)]
"""A purpose of the tree, as a path."""
