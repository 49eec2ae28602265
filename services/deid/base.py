"""The tables' base of preparation, and the tables that every service has."""

from services.kit.db import make_base
from services.kit.idempotency import idempotency_table
from services.kit.outbox import outbox_tables

Base, metadata = make_base("deid")
idempotency = idempotency_table(metadata)
outbox, inbox = outbox_tables(metadata)
