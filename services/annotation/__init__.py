"""Annotation: campaigns hand out tasks, people label, others review, and what is accepted becomes a version."""

from pathlib import Path

from services.annotation.base import metadata
from services.annotation.campaigns import endpoints as campaigns
from services.annotation.closing import endpoints as closing
from services.annotation.closing import withdrawal
from services.annotation.closing.withdrawal import erase_keys
from services.annotation.closing.worker import close_campaigns
from services.annotation.components import components, keys_ready
from services.annotation.exports.texts import TEXTS as FILES
from services.annotation.review import endpoints as review
from services.annotation.settings import AnnotationSettings
from services.annotation.tasks import endpoints as tasks
from services.annotation.tasks import members, subscriptions
from services.annotation.tasks.watch import watch
from services.annotation.texts import TEXTS
from services.kit.service import Service

service = Service(
    name="annotation",
    title="Data Factory: annotation",
    settings=AnnotationSettings,
    metadata=metadata,
    migrations=Path(__file__).parent / "migrations" / "versions",
    routers=(campaigns.router, members.router, tasks.router, review.router, closing.router),
    subscriptions=(*subscriptions.SUBSCRIPTIONS, *withdrawal.SUBSCRIPTIONS),
    workers=(watch, close_campaigns, erase_keys),
    texts={**TEXTS, **FILES},
    components=components,
    ready={"keys": keys_ready},
    asks=("access", "catalog"),
)
