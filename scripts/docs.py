"""Writes what comes from code in docs/ (settings.md, tables of deid.md); `--check` fails when one is out of date."""

import re
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from services.composition.registry import DATABASES, load  # noqa: E402 - the checkout is not installed
from services.deid.engine.catalogue import operators  # noqa: E402
from services.deid.reasons import reasons  # noqa: E402
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


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def operators_table() -> str:
    """Return the table of operators: what each finds, where its rule comes from, and what it misses."""
    lines = ["| Operator | What it does | Finds | Source of the rule | Misses |", "|---|---|---|---|---|"]
    for operator in operators().all():
        finds = ", ".join(operator.finds)
        name = f"`{operator.name}` (version {operator.version})"
        lines.append(
            "| " + " | ".join(map(_cell, (name, operator.summary, finds, operator.source, operator.misses))) + " |"
        )
    return "\n".join(lines)


def reasons_table() -> str:
    """Return the table of reasons for which a file is withheld or a run has ended."""
    lines = ["| Code | Meaning |", "|---|---|"]
    lines += [f"| `{code}` | {_cell(text['en'])} |" for code, text in sorted(reasons().items())]
    return "\n".join(lines)


def filled(page: str, **tables: str) -> str:
    """Return the page with what stands between `<!-- name: begin -->` and `<!-- name: end -->` made anew."""
    for name, table in tables.items():
        begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
        page, found = re.subn(
            f"{begin}.*?{end}", lambda _, made=f"{begin}\n\n{table}\n\n{end}": made, page, count=1, flags=re.DOTALL
        )
        if not found:
            raise SystemExit(f"The page has no place for the table of {name}.")
    return page


def pages() -> dict[Path, str]:
    """Return every page that comes from code, whole or in part, as it should be."""
    docs = ROOT / "docs"
    deid = (docs / "deid.md").read_text()
    return {
        docs / "settings.md": settings_page(),
        docs / "deid.md": filled(deid, operators=operators_table(), reasons=reasons_table()),
    }


def main() -> int:
    """Write or check the pages; return 1 when a check fails."""
    stale = {page: text for page, text in pages().items() if not page.exists() or page.read_text() != text}
    if "--check" in sys.argv:
        for page in stale:
            print(f"{page.relative_to(ROOT)} is out of date; run `make docs`.")
        return 1 if stale else 0
    for page, text in stale.items():
        page.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
