"""How the released folder came out, measured from outside: planted identifiers, a second detector, a second count."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .people import People, looking, table, writing


@dataclass(frozen=True)
class Outcome:
    """Figures of the report, by their names there."""

    figures: dict[str, Any]
    left: list[str]
    """Kinds and files of what is still there, for the one who reads a failure."""


def measure(people: People, released: Path) -> Outcome:
    """Compare the donated folder with the released one."""
    left = _left(people, released)
    treated = {d.path: (released / d.path).read_text(encoding="utf-8") for d in people.texts.documents}
    shares = writing.shares(people.texts.documents, treated)
    before, after, ssim = _faces(people, released)
    k_min, rows = table.second_count(released / table.PATH)
    return Outcome(
        {
            "planted": people.planted,
            "planted_left": len(left),
            "unplanted_tokens_changed_share": round(shares.unplanted_changed, 5),
            "person_tokens_treated_share": round(shares.persons_treated, 4),
            "faces_before": before,
            "faces_after_second_detector": after,
            "outside_boxes_ssim": round(min(ssim), 4),
            "k_min": k_min,
            "rows_kept_share": round(rows / people.register.rows, 4),
        },
        left,
    )


def _left(people: People, released: Path) -> list[str]:
    left: list[str] = []
    for path, planted in people.texts.planted.items():
        encoding = "utf-16" if (people.folder / path).read_bytes()[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8"
        text = (released / path).read_text(encoding=encoding)
        left += [f"{one.kind} in {path}" for one in writing.planted_left(planted, text)]
    register = (released / table.PATH).read_text(encoding="utf-8")
    left += [f"{one.kind} in the register" for one in writing.planted_left(people.register.planted, register)]
    digits = "".join(c for c in register if c.isdigit() or c in ";\n")
    left += ["a person's number in the register" for ten in people.register.numbers if ten in digits]
    return left


def _faces(people: People, released: Path) -> tuple[list[int], list[int], list[float]]:
    before: list[int] = []
    after: list[int] = []
    ssim: list[float] = []
    for portrait in people.portraits:
        donated = looking.pixels_of(people.folder / portrait.path)
        treated = looking.pixels_of(released / portrait.path)
        before.append(looking.faces_in(donated, portrait))
        after.append(looking.faces_in(treated, portrait))
        ssim.append(looking.ssim_outside(donated, treated, portrait))
    return before, after, ssim
