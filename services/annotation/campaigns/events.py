"""Facts about campaigns and their items, as messages."""

from services.annotation.campaigns.models import Campaign, Item
from services.kit.db import RuleSession
from services.kit.events import annotation
from services.kit.outbox import emit


def campaign_opened(session: RuleSession, campaign: Campaign) -> None:
    """Tasks can be claimed."""
    message = annotation.CampaignOpened(
        campaign_id=str(campaign.id),
        version_id=str(campaign.version_id),
        dataset_id=str(campaign.dataset_id),
        project_id=str(campaign.project_id),
        items=campaign.items,
    )
    emit(session, "factory.annotation.campaign.opened.v1", campaign.id, message, revision=campaign.revision)


def campaign_closed(session: RuleSession, campaign: Campaign, accepted: int) -> None:
    """What was accepted has become a version (none where nothing was accepted)."""
    message = annotation.CampaignClosed(
        campaign_id=str(campaign.id),
        version_id=str(campaign.version_id),
        result_version_id=str(campaign.result_version_id) if campaign.result_version_id else "",
        items_accepted=accepted,
    )
    emit(session, "factory.annotation.campaign.closed.v1", campaign.id, message, revision=campaign.revision)


def annotation_accepted(session: RuleSession, item: Item, how: str) -> None:
    """An item has its accepted annotation. The item's row is locked."""
    message = annotation.AnnotationAccepted(campaign_id=str(item.campaign_id), item_id=str(item.id), how=how)
    emit(session, "factory.annotation.annotation.accepted.v1", item.id, message, revision=item.revision)
