"""Writes the pages that come from code (docs/settings.md); `--check` fails when one is out of date."""

import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from services.composition.registry import DATABASES, load  # noqa: E402 - the checkout is not installed
from services.kit.settings import Settings  # noqa: E402


def _default(field: Any) -> str:
    value = field.get_default(call_default_factory=True)
    if hasattr(value, "get_secret_value"):
        value = value.get_secret_value()
    return f"`{value}`" if value not in ("", None, {}) else "–"


def _table(kind: type[Settings], without: set[str]) -> list[str]:
    lines = ["| Variable | Default | Meaning |", "|---|---|---|"]
    for name, field in kind.model_fields.items():
        if name not in without:
            meaning = (field.description or "").replace("|", "\\|")
            lines.append(f"| `FACTORY_{name.upper()}` | {_default(field)} | {meaning} |")
    return lines


def settings_page() -> str:
    """Return the page of every setting of every service."""
    common = set(Settings.model_fields)
    lines = [
        "# Settings",
        "",
        "Made from the code by `make docs`. All are environment variables; the embedded default needs none.",
        "",
        "## Every service",
        "",
        *_table(Settings, set()),
    ]
    for name in DATABASES:
        kind = load(name).settings
        if set(kind.model_fields) - common:
            lines += ["", f"## {name}", "", *_table(kind, common)]
    return "\n".join(lines) + "\n"


def main() -> int:
    """Write or check the pages; return 1 when a check fails."""
    page = ROOT / "docs" / "settings.md"
    text = settings_page()
    if "--check" in sys.argv:
        if not page.exists() or page.read_text() != text:
            print("docs/settings.md is out of date; run `make docs`.")
            return 1
        return 0
    page.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
