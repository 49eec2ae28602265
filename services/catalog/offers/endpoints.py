"""Offers over HTTP."""

from fastapi import Response

from services.catalog.datasets import rules
from services.catalog.datasets.endpoints import DatasetId, show_dataset
from services.catalog.datasets.schemas import DatasetOut
from services.catalog.offers import service
from services.catalog.offers.schemas import DatasetChange, WithdrawalIn
from services.kit.web import Caller, Ctx, IfMatch, Session, check_if_match, etag, factory_router

router = factory_router(tags=["datasets"])


@router.patch("/datasets/{dataset_id}", operation_id="update_dataset", summary="Correct a dataset's description")
async def update_dataset(
    dataset_id: DatasetId,
    body: DatasetChange,
    caller: Caller,
    session: Session,
    response: Response,
    if_match: IfMatch = None,
) -> DatasetOut:
    """A steward corrects title or description. Needs If-Match, so that nobody's correction is lost."""
    dataset = await rules.dataset_for(session, caller, dataset_id, lock=True)
    check_if_match(if_match, dataset.revision)
    await service.update(session, caller, dataset, body)
    response.headers["ETag"] = etag(dataset.revision)
    return await show_dataset(session, caller, dataset)


@router.post("/datasets/{dataset_id}/publication", operation_id="publish_dataset", summary="Publish a dataset")
async def publish_dataset(
    dataset_id: DatasetId, caller: Caller, ctx: Ctx, session: Session, response: Response, if_match: IfMatch = None
) -> DatasetOut:
    """A steward makes it known to everyone signed in. 409 `nothing-released` while no version is released."""
    dataset = await rules.dataset_for(session, caller, dataset_id, lock=True)
    if if_match is not None:
        check_if_match(if_match, dataset.revision)
    await service.publish(session, caller, dataset, ctx.clock.now())
    response.headers["ETag"] = etag(dataset.revision)
    return await show_dataset(session, caller, dataset)


@router.post(
    "/datasets/{dataset_id}/withdrawal", operation_id="withdraw_dataset", summary="Withdraw a dataset for good"
)
async def withdraw_dataset(
    dataset_id: DatasetId,
    body: WithdrawalIn,
    caller: Caller,
    ctx: Ctx,
    session: Session,
    response: Response,
    if_match: IfMatch = None,
) -> DatasetOut:
    """The donor or a steward takes it back. It cannot be undone: rights end, keys are destroyed, a tombstone stays."""
    dataset = await rules.dataset_for(session, caller, dataset_id, lock=True)
    if if_match is not None:
        check_if_match(if_match, dataset.revision)
    await service.withdraw(session, caller, dataset, body.reason, ctx.clock.now())
    response.headers["ETag"] = etag(dataset.revision)
    return await show_dataset(session, caller, dataset)
