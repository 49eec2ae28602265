"""The service as the composition root gets it."""

from pathlib import Path

from services.deid.base import metadata
from services.deid.components import components, keys_ready
from services.deid.gate import endpoints as gate
from services.deid.gate import subscriptions as gate_subscriptions
from services.deid.recipes import endpoints as recipes
from services.deid.runs import endpoints as runs
from services.deid.runs import subscriptions as run_subscriptions
from services.deid.runs.worker import carry_out, tidy
from services.deid.settings import DeidSettings
from services.deid.texts import TEXTS
from services.kit.service import Service

service = Service(
    name="deid",
    title="Data Factory: preparation",
    settings=DeidSettings,
    metadata=metadata,
    migrations=Path(__file__).parent / "migrations" / "versions",
    routers=(recipes.router, runs.router, gate.router),
    subscriptions=(*run_subscriptions.SUBSCRIPTIONS, *gate_subscriptions.SUBSCRIPTIONS),
    workers=(carry_out, tidy),
    texts=TEXTS,
    components=components,
    ready={"keys": keys_ready},
    asks=("access", "catalog"),
)
