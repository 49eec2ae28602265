"""Client of a Data Factory: donate, find, ask, download; what the factory refuses says why and how to mend it."""

from datafactory.auth import ApiKey, ClientCredentials, Credentials, Session, StaticToken
from datafactory.client import Client
from datafactory.decisions import Ask, Decision
from datafactory.errors import (
    Denied,
    DigestMismatch,
    FactoryError,
    NotSignedIn,
    Refused,
    SignInFailed,
    StreamEnded,
    Unreachable,
    UploadRefused,
)
from datafactory.signin import sign_in_as, sign_in_with_browser

__all__ = [
    "ApiKey",
    "Ask",
    "Client",
    "ClientCredentials",
    "Credentials",
    "Decision",
    "Denied",
    "DigestMismatch",
    "FactoryError",
    "NotSignedIn",
    "Refused",
    "Session",
    "SignInFailed",
    "StaticToken",
    "StreamEnded",
    "Unreachable",
    "UploadRefused",
    "sign_in_as",
    "sign_in_with_browser",
]
