"""The tables of access share one base, one registry and one metadata; each room adds its own."""

from services.kit.db import make_base
from services.kit.idempotency import idempotency_table
from services.kit.outbox import outbox_tables

Base, metadata = make_base("access")

idempotency_table(metadata)
outbox_tables(metadata)
