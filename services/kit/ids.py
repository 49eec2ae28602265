"""Identifiers that sort by time, and secrets that do not."""

import secrets
from uuid import UUID

import uuid_utils.compat


def new_id() -> UUID:
    """Return a UUID version 7 (RFC 9562): roughly ordered by creation, so that indexes stay compact."""
    return uuid_utils.compat.uuid7()


def new_secret(nbytes: int = 32) -> str:
    """Return `nbytes` of randomness from the operating system as URL-safe text (for keys, codes and share links)."""
    return secrets.token_urlsafe(nbytes)
