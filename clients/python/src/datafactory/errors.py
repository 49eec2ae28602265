"""What can go wrong between a client and the factory, as exceptions that carry what the caller needs to mend it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

Json = dict[str, Any]
"""A JSON object, as the factory's OpenAPI document describes it."""


class FactoryError(Exception):
    """Base of every error this library raises on purpose."""


class Unreachable(FactoryError):
    """No answer from the factory: connection refused, timed out, or lost, after every retry."""


class SignInFailed(FactoryError):
    """The sign-in did not end with a token: an unexpected page, a refused code, or the person gave up."""


class NotSignedIn(FactoryError):
    """There are no credentials for this factory on this computer."""


@dataclass(frozen=True)
class FieldError:
    """One thing wrong in a request; `pointer` is a JSON pointer (RFC 6901) into the body, or `query:name`."""

    pointer: str
    code: str
    detail: str


@dataclass(frozen=True)
class Cure:
    """One way from a refusal towards a yes: which operation to call ("" if none), told in the caller's language.

    `kind`: act (the caller or the project can), ask (someone else must), wait, choose (something else), none.
    """

    kind: str
    operation_id: str
    text: str
    ids: Mapping[str, Any] = field(default_factory=dict[str, Any])


def as_text(value: object, default: str = "") -> str:
    """Return `value` if it is text, else `default`."""
    return value if isinstance(value, str) else default


def cure_of(raw: Mapping[str, Any]) -> Cure:
    """Return a cure from its JSON; every member but the known ones is an id (or a list) that the operation takes."""
    known = {"kind", "operation_id", "text"}
    return Cure(
        kind=as_text(raw.get("kind")),
        operation_id=as_text(raw.get("operation_id")),
        text=as_text(raw.get("text")),
        ids={key: value for key, value in raw.items() if key not in known},
    )


class Refused(FactoryError):
    """The factory answered with a problem document (RFC 9457).

    Attributes: `status` (HTTP), `code` (stable, for programs), `detail` (for people, in the asked language), `errors`
    (fields), `cures` (what would help), `extra` (other members), `retry_after` (seconds, or None).
    """

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        errors: Sequence[FieldError] = (),
        cures: Sequence[Cure] = (),
        extra: Mapping[str, Any] | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(f"{status} {code}: {detail}")
        self.status = status
        self.code = code
        self.detail = detail
        self.errors = list(errors)
        self.cures = list(cures)
        self.extra = dict(extra or {})
        self.retry_after = retry_after


def refusal_of(status: int, document: object, retry_after: float | None = None) -> Refused:
    """Return the exception for a problem document, or for any other error answer (then `code` is `http-<status>`)."""
    if not isinstance(document, dict):
        return Refused(status, f"http-{status}", f"HTTP {status}", retry_after=retry_after)
    body = cast(dict[str, Any], document)
    known = {"type", "title", "status", "detail", "code", "errors", "cures"}
    errors = [
        FieldError(as_text(e.get("pointer")), as_text(e.get("code")), as_text(e.get("detail")))
        for e in cast(list[Any], body.get("errors") or [])
        if isinstance(e, dict)
    ]
    cures = [cure_of(cast(dict[str, Any], c)) for c in cast(list[Any], body.get("cures") or []) if isinstance(c, dict)]
    # RFC 6749 errors (the token endpoint) say `error` and `error_description`.
    code = as_text(body.get("code")) or as_text(body.get("error")) or f"http-{status}"
    detail = as_text(body.get("detail")) or as_text(body.get("error_description")) or as_text(body.get("title")) or code
    extra = {key: value for key, value in body.items() if key not in known}
    return Refused(status, code, detail, errors=errors, cures=cures, extra=extra, retry_after=retry_after)


class Denied(FactoryError):
    """A decision said no, where a yes was needed. `codes` are the decision's codes, `decision_id` its record."""

    def __init__(self, codes: Sequence[str], decision_id: str, messages: Sequence[str] = ()) -> None:
        super().__init__("denied: " + ", ".join(codes))
        self.codes = list(codes)
        self.decision_id = decision_id
        self.messages = list(messages)


class StreamEnded(FactoryError):
    """A download ended before its last byte. `codes` say why, when the permit no longer holds; else it is empty."""

    def __init__(self, path: str, received: int, expected: int | None, codes: Sequence[str] = ()) -> None:
        why = f" ({', '.join(codes)})" if codes else ""
        super().__init__(f"{path}: the stream ended after {received} of {expected or '?'} bytes{why}")
        self.path = path
        self.received = received
        self.expected = expected
        self.codes = list(codes)


class DigestMismatch(FactoryError):
    """The bytes received are not the bytes promised. Nothing was put in place."""

    def __init__(self, path: str, expected: str, actual: str) -> None:
        super().__init__(f"{path}: sha256 is {actual}, expected {expected}")
        self.path = path
        self.expected = expected
        self.actual = actual


class UploadRefused(FactoryError):
    """The factory received a file but would not keep it (wrong digest, unsafe archive, forbidden name, …)."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason
