"""Base of the gateway's tables."""

from services.kit.db import make_base

Base, metadata = make_base("gateway")
