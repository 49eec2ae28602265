"""Secrets that are shown once. Pure."""

import hashlib
import hmac
from datetime import datetime, timedelta

from services.kit.ids import new_secret
from services.kit.problems import invalid

KEY_PREFIX = "dfk_"
SECRET_PREFIX = "dfs_"  # noqa: S105 - what secrets begin with, so that scanners find leaked ones
PREFIX_SHOWN = 12
LONGEST_LIFE = timedelta(days=366)
MOST_KEYS = 50
MOST_CLIENTS = 50

ATTEMPTS_EACH = 5
ATTEMPTS_ALL = 30
ATTEMPTS_WINDOW = timedelta(minutes=15)


def new_api_key() -> str:
    """Return a new key: a prefix that tells what it is, and 256 random bits."""
    return KEY_PREFIX + new_secret()


def new_client_secret() -> str:
    """Return a new client secret."""
    return SECRET_PREFIX + new_secret()


def digest(secret: str) -> str:
    """Return the SHA-256 of a secret, in hexadecimal: all that is ever kept of it."""
    return hashlib.sha256(secret.encode()).hexdigest()


def same(secret: str, kept: str) -> bool:
    """Whether `secret` is the one whose digest is kept, in time that does not depend on where they differ."""
    return hmac.compare_digest(digest(secret), kept)


def check_expiry(expires_at: datetime, now: datetime) -> None:
    """422 unless the key ends in the future, and within a year."""
    if not now < expires_at <= now + LONGEST_LIFE:
        raise invalid("/expires_at", "expiry-invalid", days=LONGEST_LIFE.days)


def too_many(own: int, everyones: int) -> bool:
    """Whether so many wrong secrets were sent in the window that no more are looked at."""
    return own >= ATTEMPTS_EACH or everyones >= ATTEMPTS_ALL
