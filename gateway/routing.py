"""Which service answers which noun: the first segment after `/api/v1/`. Partners never see the split."""

from collections.abc import Iterable

SERVICES: dict[str, frozenset[str]] = {
    "access": frozenset(
        {
            "agreements", "api-keys", "attempts", "clients", "completions", "courses", "decision-batches", "decisions",
            "events", "grants", "jwks", "me", "operator-secret", "partners", "projects", "requests",
            "role-assignments", "terms", "token", "users",
        }
    ),
    "catalog": frozenset({"datasets", "donations", "uploads", "versions"}),
    "deid": frozenset({"operators", "recipes", "runs"}),
    "annotation": frozenset({"campaigns", "reviews", "tasks"}),
}  # fmt: skip

_SERVICE_OF = {noun: service for service, nouns in SERVICES.items() for noun in nouns}

PREFIX = "/api/v1/"


def service_of(noun: str) -> str | None:
    """Return the service that answers `noun`, or None if nothing does."""
    return _SERVICE_OF.get(noun)


def noun_of(path: str, raw_path: bytes) -> str | None:
    """Return the noun that a request's path names, or None for whatever is not plainly a path of the public API.

    `path` is decoded, `raw_path` as sent. The prefix and the noun must be spelled without percent signs; the rest may
    encode what it needs (file names do) but no segment may be empty, `.` or `..`, and no control character may appear:
    nothing downstream gets to disagree with the gateway about what the path means.
    """
    if not path.startswith(PREFIX) or not raw_path.startswith(PREFIX.encode()):
        return None
    segments = path[len(PREFIX) :].split("/")
    raw_noun = raw_path[len(PREFIX) :].split(b"/")[0]
    if raw_noun != segments[0].encode("utf-8", "replace"):
        return None
    if any(segment in ("", ".", "..") for segment in segments):
        return None
    if any(ord(character) < 0x20 or ord(character) == 0x7F for character in path):
        return None
    return segments[0] if segments[0] in _SERVICE_OF else None


def misplaced(service: str, paths: Iterable[str]) -> list[str]:
    """Return those of a service's own public paths that the table sends elsewhere; for start-up and tests."""
    wrong: list[str] = []
    for path in paths:
        if path.startswith(PREFIX) and _SERVICE_OF.get(path[len(PREFIX) :].split("/")[0]) != service:
            wrong.append(path)
    return sorted(wrong)
