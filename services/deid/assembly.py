"""The service as the composition root gets it."""

from pathlib import Path

from services.deid.base import metadata
from services.deid.components import components, keys_ready
from services.deid.recipes import models as recipe_tables  # noqa: F401 - tables enter the metadata
from services.deid.runs import models as run_tables  # noqa: F401
from services.deid.settings import DeidSettings
from services.deid.texts import TEXTS
from services.kit.service import Service

service = Service(
    name="deid",
    title="Data Factory: preparation",
    settings=DeidSettings,
    metadata=metadata,
    migrations=Path(__file__).parent / "migrations" / "versions",
    texts=TEXTS,
    components=components,
    ready={"keys": keys_ready},
    asks=("access", "catalog"),
)
