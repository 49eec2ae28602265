"""Suggestions for a table file, as JSON."""

from dataclasses import asdict
from typing import Any

from services.deid.engine import media


def suggest_operators(content: bytes, path: str, declared: str) -> dict[str, Any]:
    """Return {"columns": suggestions in order, "operators": a recipe's steps made of them}; both empty for no table."""
    media_type = media.sniff(content, path, declared)
    if media.family_of(media_type) != "table":
        return {"columns": [], "operators": []}
    from services.deid.engine.table.suggest import recipe, suggest_file

    suggested = suggest_file(content, media_type)
    return {"columns": [asdict(suggestion) for suggestion in suggested], "operators": recipe(suggested)}
