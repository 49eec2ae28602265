"""Marks and labels for tests, said briefly."""

from services.annotation.campaigns.shapes import Label, Mark, Title

LABELS = (Label("cat", Title("katt", "cat")), Label("dog", Title("hund", "dog")))


def box(label: str, x: float, y: float, w: float, h: float) -> Mark:
    return Mark(label, box=(x, y, w, h))


def polygon(label: str, *points: tuple[float, float]) -> Mark:
    return Mark(label, polygon=points)


def span(label: str, start: int, end: int) -> Mark:
    return Mark(label, span=(start, end))
