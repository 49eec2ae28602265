"""The catalogue: donations come in, become datasets and versions, are offered, and go out under permit and lease."""

from pathlib import Path

from services.catalog.base import metadata
from services.catalog.components import blobs_ready, components, keys_ready
from services.catalog.datasets import endpoints as datasets
from services.catalog.datasets.erasure import erase_keys
from services.catalog.delivery import endpoints as delivery
from services.catalog.delivery.subscriptions import SUBSCRIPTIONS
from services.catalog.derivations import endpoints as derivations
from services.catalog.derivations.work import tidy_derivations
from services.catalog.intake import endpoints as intake
from services.catalog.intake import tus
from services.catalog.intake.ingest import ingest
from services.catalog.offers import endpoints as offers
from services.catalog.search import endpoints as search
from services.catalog.settings import CatalogSettings
from services.catalog.texts import TEXTS
from services.kit.service import Service

service = Service(
    name="catalog",
    title="Data Factory: catalogue",
    settings=CatalogSettings,
    metadata=metadata,
    migrations=Path(__file__).parent / "migrations" / "versions",
    routers=(
        intake.router,
        tus.router,
        search.router,
        datasets.router,
        offers.router,
        delivery.router,
    ),
    internal=(datasets.internal, derivations.internal),
    subscriptions=SUBSCRIPTIONS,
    workers=(ingest, erase_keys, tidy_derivations),
    texts=TEXTS,
    components=components,
    ready={"objects": blobs_ready, "keys": keys_ready},
    asks=("access",),
)
