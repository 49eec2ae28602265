"""Datasets and versions over HTTP."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Path, Response

from services.catalog.datasets import repository, rules
from services.catalog.datasets.models import Dataset, Lineage, Version
from services.catalog.datasets.schemas import DatasetOut, FactsIn, LineageEdge, LineageOut, ReleaseIn, VersionOut
from services.catalog.lists import after_number
from services.kit.db import RuleSession
from services.kit.paging import Page, Paged, page
from services.kit.schemas import AllowedAction
from services.kit.tokens import Subject
from services.kit.web import Caller, Ctx, IfMatch, ServiceCaller, Session, check_if_match, etag, factory_router

router = factory_router(tags=["datasets"])
internal = factory_router(internal=True, tags=["datasets"])

DatasetId = Annotated[UUID, Path(description="The dataset.")]
VersionId = Annotated[UUID, Path(description="The version.")]


async def show_dataset(session: RuleSession, caller: Subject, dataset: Dataset) -> DatasetOut:
    """Return the dataset as the caller sees it."""
    latest = await repository.latest_version(session, dataset.id, released_only=not rules.is_insider(caller, dataset))
    return shown_dataset(caller, dataset, latest)


def shown_dataset(caller: Subject, dataset: Dataset, latest_version_id: UUID | None) -> DatasetOut:
    """Return the dataset as the caller sees it, `latest_version_id` being the newest version that they may see."""
    fields = {name: getattr(dataset, name) for name in DatasetOut.model_fields if hasattr(dataset, name)}
    return DatasetOut.model_validate(
        {
            **fields,
            "terms": dataset.terms_snapshot,
            "latest_version_id": latest_version_id,
            "allowed_actions": rules.dataset_actions(caller, dataset),
        }
    )


def show_version(caller: Subject, version: Version, dataset: Dataset) -> VersionOut:
    """Return the version as the caller sees it."""
    refusal = rules.release_refusal(caller, version, dataset)
    action = AllowedAction(action="release", allowed=refusal is None, reason=refusal.code if refusal else None)
    fields = {name: getattr(version, name) for name in VersionOut.model_fields if hasattr(version, name)}
    return VersionOut.model_validate({**fields, "state": rules.state_of(version, dataset), "allowed_actions": [action]})


@router.get("/datasets/{dataset_id}", operation_id="get_dataset", summary="Read a dataset")
async def get_dataset(dataset_id: DatasetId, caller: Caller, session: Session, response: Response) -> DatasetOut:
    """Read a dataset: before publication for the donating partner and its stewards alone; withdrawn, a tombstone."""
    dataset = await rules.dataset_for(session, caller, dataset_id)
    response.headers["ETag"] = etag(dataset.revision)
    return await show_dataset(session, caller, dataset)


@router.get("/datasets/{dataset_id}/versions", operation_id="list_versions", summary="List a dataset's versions")
async def list_versions(dataset_id: DatasetId, caller: Caller, session: Session, params: Page) -> Paged[VersionOut]:
    """List the versions of a dataset by number. Raw ones are shown to the donating partner and its stewards."""
    dataset = await rules.dataset_for(session, caller, dataset_id)
    rows = await repository.versions_of(
        session,
        dataset_id,
        released_only=not rules.is_insider(caller, dataset),
        after=after_number(params),
        limit=params.limit,
    )
    return page(rows, params.limit, lambda row: (row.number,), lambda row: show_version(caller, row, dataset))


@router.get("/versions/{version_id}", operation_id="get_version", summary="Read a version")
async def get_version(version_id: VersionId, caller: Caller, session: Session, response: Response) -> VersionOut:
    """Read a version: its state, its gate, its digest and what it holds in sum."""
    version, dataset = await rules.version_for(session, caller, version_id)
    response.headers["ETag"] = etag(version.revision)
    return show_version(caller, version, dataset)


@router.get("/versions/{version_id}/lineage", operation_id="get_lineage", summary="See where a version comes from")
async def get_lineage(version_id: VersionId, caller: Caller, session: Session) -> LineageOut:
    """Read where a version comes from, and what was made from it, one step each way."""
    version, dataset = await rules.version_for(session, caller, version_id)

    def edge(row: Lineage) -> LineageEdge:
        return LineageEdge(
            version_id=row.version_id,
            parent_version_id=row.parent_id,
            source_kind=row.source_kind,  # pyright: ignore[reportArgumentType]
            source_id=row.source_id,
            details=row.details,
        )

    insider = rules.is_insider(caller, dataset)
    return LineageOut(
        version_id=version.id,
        dataset_id=dataset.id,
        digest=version.digest,
        parents=[edge(row) for row in await repository.lineage_of(session, version_id)],
        children=[edge(row) for row in await repository.children_of(session, version_id, released_only=not insider)],
    )


@router.post("/versions/{version_id}/release", operation_id="release_version", summary="Release a version")
async def release_version(
    version_id: VersionId,
    body: ReleaseIn,
    caller: Caller,
    ctx: Ctx,
    session: Session,
    response: Response,
    if_match: IfMatch = None,
) -> VersionOut:
    """Release a version: a steward other than the one who accepted it says that it may be used.

    409 `gate-required` with personal data (yes or unknown) and where the terms require a gate.
    """
    version, dataset = await rules.version_for(session, caller, version_id, lock=True)
    if if_match is not None:
        check_if_match(if_match, version.revision)
    rules.release(session, caller, version, dataset, body.reasons, ctx.clock.now())
    await session.flush()
    response.headers["ETag"] = etag(version.revision)
    return show_version(caller, version, dataset)


@internal.post("/version-facts")
async def version_facts(body: FactsIn, service: ServiceCaller, session: Session) -> dict[str, Any]:
    """Answer another service: the state of versions and datasets, now. What does not exist is left out."""
    versions, datasets, pairs = await repository.facts(session, body.version_ids, body.dataset_ids)
    by_id = {dataset.id: dataset for dataset in datasets}
    return {
        "versions": {
            str(v.id): {
                "dataset_id": str(v.dataset_id),
                "state": rules.state_of(v, by_id[v.dataset_id]),
                "gate": v.gate,
                "personal_data": v.personal_data,
            }
            for v in versions
        },
        "datasets": {
            str(d.id): {
                "state": d.state,
                "integrity_class": d.integrity_class,
                "partner_id": str(d.partner_id),
                "donation_id": str(d.donation_id),
                "terms_id": str(d.terms_id),
                "title": d.title,
                "version_ids": [str(version_id) for dataset_id, version_id in pairs if dataset_id == d.id],
            }
            for d in datasets
        },
    }
