"""What a campaign leaves in the version that it becomes: its annotations in the kind's own format, and what it was."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from services.annotation.campaigns import repository as campaigns
from services.annotation.campaigns.models import Campaign
from services.annotation.campaigns.service import pseudonym
from services.annotation.campaigns.shapes import CampaignDocument
from services.annotation.closing import repository
from services.annotation.exports import head
from services.annotation.exports.formats import native
from services.kit.db import RuleSession


@dataclass(frozen=True)
class ResultFile:
    """A file to add: where, what it is, its bytes."""

    path: str
    media_type: str
    content: bytes


async def facts_of(session: RuleSession, campaign: Campaign, agreement: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is told of how a campaign was done: numbers and pseudonyms, nobody named, nothing from a file.

    `agreement`: figures as `review.agreement.figures_of` tells them.
    """
    submitted = await repository.submitted_by(session, campaign.id)
    members = await campaigns.members(session, campaign.id)
    return {
        "version_id": str(campaign.version_id),
        "overlap": campaign.overlap,
        "guidelines_number": campaign.guidelines_number,
        "accepted": await repository.accepted_by_how(session, campaign.id),
        "annotators": [
            {"name": pseudonym(member.number), "submitted": submitted[member.user_id]}
            for member in members
            if member.user_id in submitted
        ],
        "agreement": dict(agreement),
    }


def files_of(campaign: Campaign, document: CampaignDocument, facts: dict[str, Any]) -> list[ResultFile]:
    """Return the files that a campaign adds to the version, below a folder of its own."""
    form = native(document.schema.kind)
    folder = f"annotations/{campaign.id}"
    return [
        ResultFile(f"{folder}/{form.file_name}", form.media_type, form.write(document)),
        ResultFile(f"{folder}/{head.FILE_NAME}", "application/json", head.write(document, **facts)),
    ]


def details_of(campaign: Campaign, facts: dict[str, Any]) -> dict[str, Any]:
    """Return what the catalogue keeps with the lineage, for everyone who may see the version."""
    return {
        "campaign_id": str(campaign.id),
        "project_id": str(campaign.project_id),
        "kind": campaign.label_schema["kind"],
        "labels": len(campaign.label_schema["labels"]),
        "items": campaign.items,
        **{name: facts[name] for name in ("overlap", "accepted")},
        "annotators": len(facts["annotators"]),
        "krippendorff_alpha": facts["agreement"]["krippendorff_alpha"]["value"],
    }
