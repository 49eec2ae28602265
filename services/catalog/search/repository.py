"""Queries of search. Every filter is a bound parameter; nothing that people type becomes SQL."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Float, Integer, case, cast, func, literal, or_, select, true, tuple_
from sqlalchemy.dialects.postgresql import ARRAY, REGCONFIG, TEXT, distinct_on
from sqlmodel import col

from services.catalog.datasets.models import Dataset, Version
from services.catalog.search.models import VECTOR
from services.kit.db import RuleSession

FACETS = ("integrity_class", "purpose", "action", "media_type", "language", "state")


@dataclass(frozen=True)
class Wanted:
    """What is looked for, and what the searcher sees beside published datasets: those of `partners`."""

    text: str | None = None
    integrity_class: str | None = None
    purpose: str | None = None
    action: str | None = None
    media_type: str | None = None
    language: str | None = None
    state: str | None = None
    partner_id: UUID | None = None
    partners: frozenset[UUID] = frozenset()
    donations: frozenset[UUID] = frozenset()


def ancestors(purpose: str) -> list[str]:
    """Return the purposes whose permission covers `purpose`: itself and what it lies under."""
    parts = purpose.split("/")
    return ["/".join(parts[: n + 1]) for n in range(len(parts))]


def _query(text: str) -> ColumnElement[Any]:
    """Words in either language; quotes, OR and - work as people expect (websearch_to_tsquery never raises)."""
    swedish, english, simple = (
        func.websearch_to_tsquery(cast(literal(configuration), REGCONFIG), text)
        for configuration in ("swedish", "english", "simple")
    )
    return swedish.op("||")(english).op("||")(simple)


def _conditions(wanted: Wanted) -> list[ColumnElement[bool]]:
    insider = or_(col(Dataset.partner_id).in_(wanted.partners), col(Dataset.donation_id).in_(wanted.donations))
    conditions: list[ColumnElement[bool]] = []
    if wanted.state == "draft":
        conditions += [col(Dataset.state) == "draft", insider]
    elif wanted.state == "withdrawn":
        conditions += [col(Dataset.state) == "withdrawn", or_(col(Dataset.published_at).is_not(None), insider)]
    elif wanted.state == "published":
        conditions.append(col(Dataset.state) == "published")
    else:
        conditions.append(or_(col(Dataset.state) == "published", (col(Dataset.state) == "draft") & insider))
    if wanted.text:
        exact = func.lower(col(Dataset.title)) == wanted.text.lower()
        conditions.append(or_(exact, VECTOR.op("@@")(_query(wanted.text))))
    for field in ("integrity_class", "language", "partner_id"):
        value = getattr(wanted, field)
        if value is not None:
            conditions.append(col(getattr(Dataset, field)) == value)
    terms = col(Dataset.terms_snapshot)
    if wanted.purpose:
        covered = terms["purposes"]["list"].op("?|")(cast(ancestors(wanted.purpose), ARRAY(TEXT)))
        conditions.append(or_(terms["purposes"]["any"].as_boolean(), covered))
    if wanted.action:
        conditions.append(terms["actions"].op("?")(wanted.action))
    if wanted.media_type:
        has = select(col(Version.id)).where(
            col(Version.dataset_id) == col(Dataset.id),
            col(Version.released_at).is_not(None),
            col(Version.media_types).op("?")(wanted.media_type),
        )
        conditions.append(has.exists())
    return conditions


async def find(
    session: RuleSession, wanted: Wanted, *, after: Sequence[Any] | None, limit: int
) -> Sequence[tuple[Dataset, int, float]]:
    """Return (dataset, exact name?, rank), best first, one more than `limit`."""
    if wanted.text:
        exact = case((func.lower(col(Dataset.title)) == wanted.text.lower(), 1), else_=0)
        rank = cast(func.ts_rank(VECTOR, _query(wanted.text)), Float)
    else:
        exact, rank = cast(literal(0), Integer), cast(literal(0.0), Float)
    order = tuple_(exact, rank, col(Dataset.id))
    statement = select(Dataset, exact, rank).where(*_conditions(wanted))
    if after is not None:
        key = tuple_(cast(int(after[0]), Integer), cast(float(after[1]), Float), UUID(str(after[2])))
        statement = statement.where(order < key)
    statement = statement.order_by(exact.desc(), rank.desc(), col(Dataset.id).desc()).limit(limit + 1)
    return [(row[0], row[1], row[2]) for row in await session.execute(statement)]


async def facets(session: RuleSession, wanted: Wanted) -> dict[str, list[tuple[str, int]]]:
    """Return counts by facet over everything found, the most frequent value first."""
    found = select(col(Dataset.id)).where(*_conditions(wanted)).subquery()
    inside = col(Dataset.id).in_(select(found.c.id))
    terms = col(Dataset.terms_snapshot)
    purpose = func.jsonb_array_elements_text(
        case((terms["purposes"]["any"].as_boolean(), func.jsonb_build_array("any")), else_=terms["purposes"]["list"])
    )
    values: dict[str, Any] = {
        "integrity_class": select(col(Dataset.integrity_class).label("v")).where(inside),
        "language": select(col(Dataset.language).label("v")).where(inside),
        "state": select(col(Dataset.state).label("v")).where(inside),
        "purpose": select(purpose.label("v")).where(inside),
        "action": select(func.jsonb_array_elements_text(terms["actions"]).label("v")).where(inside),
        "media_type": select(
            func.jsonb_object_keys(col(Version.media_types)).label("v"), col(Version.dataset_id).label("d")
        )
        .where(col(Version.dataset_id).in_(select(found.c.id)), col(Version.released_at).is_not(None))
        .distinct(),
    }
    counted: dict[str, list[tuple[str, int]]] = {}
    for name in FACETS:
        rows = values[name].subquery()
        count = func.count().label("n")
        statement = select(rows.c.v, count).group_by(rows.c.v).order_by(count.desc(), rows.c.v).limit(50)
        counted[name] = [(row[0], row[1]) for row in await session.execute(statement)]
    return counted


async def latest_versions(session: RuleSession, dataset_ids: Sequence[UUID]) -> dict[tuple[UUID, bool], UUID]:
    """Return the newest version of each dataset: by (dataset, released only?)."""
    released = col(Version.released_at).is_not(None)
    found: dict[tuple[UUID, bool], UUID] = {}
    for only in (False, True):
        statement = (
            select(col(Version.dataset_id), col(Version.id))
            .where(col(Version.dataset_id).in_(dataset_ids), released if only else true())
            .ext(distinct_on(col(Version.dataset_id)))
            .order_by(col(Version.dataset_id), col(Version.number).desc())
        )
        for dataset_id, version_id in await session.execute(statement):
            found[(dataset_id, only)] = version_id
    return found
