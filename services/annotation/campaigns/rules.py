"""Who sees a campaign, who leads it, and what may be done to it when."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from services.annotation.campaigns import repository
from services.annotation.campaigns.models import Campaign
from services.kit.db import RuleSession
from services.kit.problems import Problem, conflict, forbidden, not_found
from services.kit.tokens import Subject


@dataclass(frozen=True)
class Standing:
    """What somebody is to a campaign."""

    lead: bool
    member: bool
    annotator: bool
    reviewer: bool
    steward: bool

    @property
    def sees(self) -> bool:
        """Whether they may know that the campaign exists."""
        return self.lead or self.member or self.annotator or self.reviewer or self.steward


def standing(caller: Subject, campaign: Campaign) -> Standing:
    """Return what the caller is to a campaign: in its project, in the campaign itself, and to the data's donor."""
    role = caller.projects.get(campaign.project_id)
    steward = caller.has("steward", "partner", campaign.partner_id) or (
        campaign.donation_id is not None and caller.has("steward", "donation", campaign.donation_id)
    )
    return Standing(
        lead=role == "lead",
        member=role is not None,
        annotator=caller.has("annotator", "campaign", campaign.id),
        reviewer=caller.has("reviewer", "campaign", campaign.id),
        steward=steward,
    )


async def campaign_for(
    session: RuleSession, caller: Subject, campaign_id: UUID, *, lock: bool = False, share: bool = False
) -> Campaign:
    """Return a campaign that the caller may see, or 404."""
    campaign = await repository.campaign(session, campaign_id, lock=lock, share=share)
    if campaign is None or not standing(caller, campaign).sees:
        raise not_found("campaign")
    return campaign


async def campaign_of_lead(session: RuleSession, caller: Subject, campaign_id: UUID, *, lock: bool = False) -> Campaign:
    """Return a campaign that the caller leads; 403 for those who only see it."""
    campaign = await campaign_for(session, caller, campaign_id, lock=lock)
    require_lead(caller, campaign)
    return campaign


def require_lead(caller: Subject, campaign: Campaign) -> None:
    """403 for those who do not lead the campaign's project."""
    if not standing(caller, campaign).lead:
        raise forbidden("lead-required")


def require_reviewer(caller: Subject, campaign: Campaign) -> None:
    """403 for those who do not review in the campaign."""
    if not standing(caller, campaign).reviewer:
        raise forbidden("role-required", role="reviewer")


def own_work() -> Problem:
    """403: whoever annotated an item does not review it."""
    return forbidden("own-work")


def require_open(campaign: Campaign) -> None:
    """409 unless work can be done in the campaign; 410 when it went with its dataset."""
    refusal = not_open(campaign)
    if refusal is not None:
        raise refusal


def not_open(campaign: Campaign) -> Problem | None:
    """Return why no work can be done in the campaign, or None."""
    if campaign.state == "withdrawn":
        return Problem(410, "campaign-withdrawn")
    if campaign.state != "open":
        return conflict("campaign-not-open", state=campaign.state)
    return None


def require_project_lead(caller: Subject, project_id: UUID) -> None:
    """403 for members of the project who do not lead it, 404 for everyone else."""
    role = caller.projects.get(project_id)
    if role is None:
        raise not_found("project")
    if role != "lead":
        raise forbidden("lead-required")


def refusals(caller: Subject, campaign: Campaign, counts: Mapping[str, int]) -> list[tuple[str, Problem | None]]:
    """Return each action on a campaign with why the caller may not take it now (None: they may)."""
    who = standing(caller, campaign)
    closed = not_open(campaign)
    by_lead = forbidden("lead-required") if not who.lead else closed
    gone = Problem(410, "campaign-withdrawn") if campaign.state == "withdrawn" else None
    claim = forbidden("role-required", role="annotator") if not who.annotator else closed
    review = forbidden("role-required", role="reviewer") if not who.reviewer else closed
    if review is None and not counts.get("to-review", 0):
        review = conflict("nothing-to-review")
    return [
        ("update", by_lead),
        ("add-member", by_lead),
        ("claim", claim),
        ("review", review),
        ("import", by_lead),
        ("export", export_refusal(caller, campaign)),
        ("see-agreement", gone),
        ("close", by_lead if by_lead is not None else closing_refusal(counts)),
    ]


def closing_refusal(counts: Mapping[str, int]) -> Problem | None:
    """Return why the campaign is not complete, or None: what it lacks is left out if its lead accepts that."""
    open_reviews = counts.get("to-review", 0)
    if open_reviews:
        return conflict("reviews-open", number=open_reviews)
    missing = sum(counts.get(name, 0) for name in ("waiting", "in-work", "submitted"))
    return conflict("items-missing", number=missing) if missing else None


def export_refusal(caller: Subject, campaign: Campaign) -> Problem | None:
    """Return why the caller cannot have what is accepted, or None. The law is asked besides.

    Leads and reviewers may at any time, others of the project too, but who still annotates blind must not see what
    others said.
    """
    who = standing(caller, campaign)
    if campaign.state == "withdrawn":
        return Problem(410, "campaign-withdrawn")
    if who.lead or who.reviewer:
        return None
    if not who.member:
        return forbidden("not-of-project")
    if who.annotator and campaign.state == "open":
        return forbidden("still-blind")
    return None
