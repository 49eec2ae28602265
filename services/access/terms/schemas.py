"""Shapes of terms over HTTP."""

import json
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID

from pydantic import ConfigDict, Field

from services.access.terms.vocabulary import Normal
from services.kit.schemas import Instant, Resource

EXAMPLES = Path(__file__).parent / "examples"


class SummaryOut(Resource):
    """Terms in plain words."""

    sv: list[str]
    en: list[str]


class NamedTermsOut(Resource):
    """Terms as other services need them."""

    id: UUID
    partner_id: UUID
    number: int
    digest: str = Field(description="SHA-256 (hex) of the normal form as JSON with sorted keys and no space.")
    normal: Normal = Field(description="What the terms mean: everything said, nothing null.")
    summary: SummaryOut


class TermsOut(NamedTermsOut):
    """Terms: the policy as it was sent, its normal form, and both in words. They never change."""

    model_config = ConfigDict(json_schema_extra={"description": "Immutable, numbered from 1 per partner."})

    odrl: dict[str, Any] = Field(description="The ODRL policy as it was sent.")
    created_at: Instant


@cache
def policy_examples() -> dict[str, Any]:
    """Return the example policies by name, as OpenAPI examples."""
    return {
        file.stem: {"summary": file.stem.replace("-", " "), "value": json.loads(file.read_text(encoding="utf-8"))}
        for file in sorted(EXAMPLES.glob("*.json"))
    }
