"""A POST sent twice with one `Idempotency-Key` has one effect and one answer (IETF draft idempotency-key-header).

The claim is a row inserted in the request's own transaction: a second request waits for the first to end, then gets its
answer. Answers may hold secrets and file names, so they are sealed.
"""

import hashlib
import json
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from fastapi import Request, Response
from sqlalchemy import Column, LargeBinary, MetaData, String, Table, delete, select, update
from sqlalchemy.dialects.postgresql import UUID as PgUuid
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.types import Integer

from services.kit.context import Context
from services.kit.db import RuleSession, UtcDateTime
from services.kit.problems import FieldError, Problem

KEEP = timedelta(hours=24)
_HEADERS_KEPT = ("content-type", "etag", "location", "content-language")


def idempotency_table(metadata: MetaData) -> Table:
    """Add the table of remembered answers to a service's metadata."""
    return Table(
        "idempotency",
        metadata,
        Column("subject", PgUuid(as_uuid=True), primary_key=True),
        Column("route", String(200), primary_key=True),
        Column("key", String(200), primary_key=True),
        Column("body_hash", String(64), nullable=False),
        Column("status", Integer, nullable=True),
        Column("answer", LargeBinary, nullable=True),
        Column("created_at", UtcDateTime, nullable=False, index=True),
    )


class Replay(Exception):
    """Ends a request whose answer is already known."""

    def __init__(self, response: Response) -> None:
        super().__init__("replayed")
        self.response = response


def key_of(request: Request) -> str | None:
    """Return the request's key; 422 if it is malformed."""
    key = request.headers.get("idempotency-key")
    if key is None:
        return None
    if not 1 <= len(key) <= 200 or not all("!" <= c <= "~" for c in key):
        raise Problem(422, "invalid-request", errors=[FieldError("header:Idempotency-Key", "idempotency-key-invalid")])
    return key


class Claim:
    """One request's hold on its key."""

    def __init__(self, ctx: Context, table: Table, subject: UUID, route: str, key: str, body: bytes, url: str) -> None:
        self._ctx = ctx
        self._table = table
        self._where = (table.c.subject == subject, table.c.route == route, table.c.key == key)
        self._identity = {"subject": subject, "route": route, "key": key}
        self._hash = hashlib.sha256(url.encode() + b"\0" + body).hexdigest()
        self._aad = f"idempotency:{subject}:{route}:{key}".encode()

    async def take(self, session: RuleSession, now: datetime) -> None:
        """Claim the key, waiting for whoever holds it; raise `Replay` with the answer if there is one."""
        row = {**self._identity, "body_hash": self._hash, "created_at": now}
        taken = await session.execute(
            insert(self._table).values(row).on_conflict_do_nothing().returning(self._table.c.key)
        )
        if taken.first() is not None:
            return
        stored = (await session.execute(select(self._table).where(*self._where))).mappings().one_or_none()
        if stored is not None and stored["created_at"] < now - KEEP:
            await session.execute(delete(self._table).where(*self._where))
            await session.execute(insert(self._table).values(row))
            return
        if stored is None or stored["body_hash"] != self._hash or stored["answer"] is None:
            raise Problem(409, "idempotency-key-reused")
        document: dict[str, Any] = json.loads(self._ctx.sealer.open(stored["answer"], self._aad))
        response = Response(document["body"].encode(), status_code=stored["status"], headers=document["headers"])
        response.headers["Idempotent-Replayed"] = "true"
        raise Replay(response)

    async def keep(self, session: RuleSession, response: Response) -> None:
        """Remember the answer, in the same transaction as its effect."""
        kept = {name: response.headers[name] for name in _HEADERS_KEPT if name in response.headers}
        document = {"body": bytes(response.body).decode(), "headers": kept}
        await session.execute(
            update(self._table)
            .where(*self._where)
            .values(status=response.status_code, answer=self._ctx.sealer.seal(json.dumps(document).encode(), self._aad))
        )


async def forget_old(session: RuleSession, table: Table, now: datetime) -> int:
    """Delete answers older than a day; return how many."""
    gone = await session.execute(delete(table).where(table.c.created_at < now - KEEP).returning(table.c.key))
    return len(gone.all())
