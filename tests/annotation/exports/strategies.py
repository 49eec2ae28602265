"""Campaigns as Hypothesis makes them: every kind, any text that can be kept, any place that is a place."""

import math
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from services.annotation.campaigns.reader import storable
from services.annotation.campaigns.shapes import (
    ACCEPTED,
    KINDS,
    MAX_NAME,
    CampaignDocument,
    Item,
    ItemAnnotation,
    Kind,
    Label,
    LabelSchema,
    Mark,
    Title,
    validate_marks,
)


def examples(count: int) -> settings:
    """Settings of a property test; how long an example takes is the machine's affair."""
    return settings(max_examples=count, deadline=None, suppress_health_check=[HealthCheck.too_slow])


# What breaks files of lines and of cells, more often than chance would have it.
AWKWARD = ["=1+1", "+x", "-1", "@SUM(A1)", "'=x", "''", '"', '""', ",", ";=1", "\t=1", "\r\n=1", "\n", "\r", " =1", "'",
           "\u2028", "\x85", "Å", "å", "👩‍🔬", "\ufeff", "\u202e", "null", "NaN", "\\", "{", "#", " "]  # fmt: skip
texts = st.one_of(
    st.sampled_from(["", *AWKWARD]),
    st.lists(st.one_of(st.sampled_from(AWKWARD), st.text(max_size=4)), max_size=5).map("".join),
).filter(storable)
names = texts.filter(lambda t: t == t.strip() and t.isprintable() and 0 < len(t) <= MAX_NAME)
sizes = st.integers(1, 10_000)


def coordinates(most: float) -> st.SearchStrategy[float]:
    return st.one_of(st.floats(0, most), st.integers(0, int(most)).map(float))


def around(points: list[tuple[float, float]]) -> tuple[tuple[float, float], ...]:
    """Return the points in an order that goes once around their middle: mostly a simple ring."""
    middle = (sum(x for x, _ in points) / len(points), sum(y for _, y in points) / len(points))
    return tuple(sorted(points, key=lambda p: math.atan2(p[1] - middle[1], p[0] - middle[0])))


@st.composite
def marks_of(draw: st.DrawFn, schema: LabelSchema, item: Item) -> Mark:
    label = draw(st.sampled_from(schema.names))
    width, height, length = item.width or 10_000, item.height or 10_000, item.length or 10_000
    if schema.geometry == "box":
        x, y = draw(coordinates(width)), draw(coordinates(height))
        return Mark(label, box=(x, y, draw(coordinates(width - x)), draw(coordinates(height - y))))
    if schema.geometry == "polygon":
        points = st.tuples(coordinates(width), coordinates(height))
        return Mark(label, polygon=around(draw(st.lists(points, min_size=3, max_size=6))))
    if schema.geometry == "span":
        start = draw(st.integers(0, length - 1))
        return Mark(label, span=(start, draw(st.integers(start + 1, length))))
    return Mark(label)


@st.composite
def schemas(draw: st.DrawFn, kinds: tuple[Kind, ...] = KINDS) -> LabelSchema:
    labels = draw(st.lists(names, min_size=1, max_size=4, unique=True))
    titles = texts.filter(lambda t: 0 < len(t) <= 200)
    return LabelSchema(
        draw(st.sampled_from(kinds)),
        tuple(Label(name, Title(draw(titles), draw(titles))) for name in labels),
        draw(st.booleans()),
        draw(st.booleans()),
    )


@st.composite
def documents(draw: st.DrawFn, kinds: tuple[Kind, ...] = KINDS) -> CampaignDocument:
    """A campaign; items without annotation, annotations without marks, and orders of every sort among them."""
    schema = draw(schemas(kinds))
    paths = draw(st.lists(texts.filter(bool), max_size=5, unique=True))
    maybe = st.none() | sizes
    sized = {"image": st.tuples(maybe, maybe, st.none()), "text": st.tuples(st.none(), st.none(), maybe)}
    items = tuple(Item(path, draw(texts), *draw(sized[schema.media])) for path in paths)
    annotations: list[ItemAnnotation] = []
    for item in items:
        who: list[tuple[Any, str]] = [("submission", name) for name in draw(st.lists(texts, max_size=3, unique=True))]
        if draw(st.booleans()):
            who.append((draw(st.sampled_from(ACCEPTED)), draw(texts)))
        for source, annotator in who:
            most = 4 if schema.multiple else 1
            marks: list[Mark] = []
            for mark in draw(st.lists(marks_of(schema, item), max_size=most)):
                if not validate_marks(schema, [*marks, mark], item):
                    marks.append(mark)
            annotations.append(ItemAnnotation(item.path, tuple(marks), draw(texts), annotator, source))
    ordered = draw(st.permutations(annotations))
    return CampaignDocument(draw(texts), draw(texts), draw(texts), schema, items, tuple(ordered))
