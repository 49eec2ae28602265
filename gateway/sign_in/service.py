"""The rules of signing in: what is remembered while the person is at the provider, and what is checked on return."""

import base64
import hashlib
import hmac
import json
import re
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit
from uuid import UUID

from gateway.identity.provider import ProviderTokens
from gateway.sessions.service import hash_secret, seal_tokens, unseal_tokens
from gateway.sign_in import repository
from gateway.sign_in.cookies import SIGN_IN_SECONDS
from gateway.sign_in.models import CliCodeRow, SignInRow
from services.kit.context import SealerPort
from services.kit.db import RuleSession
from services.kit.ids import new_id, new_secret
from services.kit.problems import invalid

CLI_CODE_SECONDS = 120
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")


@dataclass(frozen=True)
class Program:
    """A command line that waits on a loopback port, and its PKCE challenge."""

    port: int
    challenge: str


@dataclass(frozen=True)
class Attempt:
    """A sign-in under way. `state` and `nonce` tie the provider's answer to it, `browser` ties it to one browser."""

    state: str
    nonce: str
    verifier: str
    browser: str
    return_to: str = "/"
    program: Program | None = None


def checked_return_to(return_to: str | None) -> str:
    """Return a path of this site; 422 for anything that a browser could take for another one."""
    if return_to is None or return_to == "":
        return "/"
    parts = urlsplit(return_to)
    printable = all(0x20 < ord(c) < 0x7F for c in return_to)
    if (
        len(return_to) > 2000
        or not printable
        or not return_to.startswith("/")
        or return_to.startswith("//")
        or "\\" in return_to
        or parts.scheme
        or parts.netloc
    ):
        raise invalid("query:return_to", "return-to-refused")
    return return_to


def checked_program(port: int | None, challenge: str | None) -> Program | None:
    """Return the program that asks to be signed in, if one does; 422 unless port and challenge go together."""
    if port is None and challenge is None:
        return None
    if port is None or challenge is None or not 1 <= port <= 65535 or not _CHALLENGE.fullmatch(challenge):
        raise invalid("query:cli_port", "cli-parameters-refused")
    return Program(port, challenge)


def new_attempt(return_to: str, program: Program | None) -> Attempt:
    """Return a sign-in with fresh secrets."""
    return Attempt(
        state=new_secret(32),
        nonce=new_secret(32),
        verifier=new_secret(48),
        browser=new_secret(32),
        return_to=return_to,
        program=program,
    )


def remember(session: RuleSession, sealer: SealerPort, attempt: Attempt, now: datetime) -> None:
    """Keep a sign-in until the person is back."""
    row_id = new_id()
    session.add(
        SignInRow(
            id=row_id,
            state_hash=hash_secret(attempt.state),
            browser_hash=hash_secret(attempt.browser),
            sealed=sealer.seal(json.dumps(asdict(attempt)).encode(), f"gateway:sign_in:{row_id}".encode()),
            created_at=now,
        )
    )


async def take(session: RuleSession, sealer: SealerPort, state: str, browser: str, now: datetime) -> Attempt | None:
    """Return the sign-in that `state` belongs to, once; None if it is unknown, used, too old or another browser's."""
    row = await repository.take_sign_in(session, hash_secret(state))
    if row is None or now - row.created_at > timedelta(seconds=SIGN_IN_SECONDS):
        return None
    if not hmac.compare_digest(row.browser_hash, hash_secret(browser)):
        return None
    kept = json.loads(sealer.open(row.sealed, f"gateway:sign_in:{row.id}".encode()))
    program = kept.pop("program")
    return Attempt(**kept, program=Program(**program) if program else None)


def code_for_program(
    session: RuleSession, sealer: SealerPort, program: Program, tokens: ProviderTokens, user_id: UUID, now: datetime
) -> str:
    """Return a code, good once and for two minutes, that the program exchanges for a session."""
    code = new_secret(32)
    row_id = new_id()
    session.add(
        CliCodeRow(
            id=row_id,
            code_hash=hash_secret(code),
            challenge=program.challenge,
            user_id=user_id,
            sealed=seal_tokens(sealer, "cli_code", row_id, tokens),
            created_at=now,
        )
    )
    return code


async def redeem_code(
    session: RuleSession, sealer: SealerPort, code: str, verifier: str, now: datetime
) -> tuple[ProviderTokens, UUID] | None:
    """Return whose sign-in a program's code stands for; the code is spent, whatever the answer."""
    row = await repository.take_cli_code(session, hash_secret(code))
    if row is None or now - row.created_at > timedelta(seconds=CLI_CODE_SECONDS):
        return None
    digest = hashlib.sha256(verifier.encode("utf-8", "replace")).digest()
    challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
    if not hmac.compare_digest(challenge.encode(), row.challenge.encode()):
        return None
    return unseal_tokens(sealer, "cli_code", row.id, row.sealed), row.user_id


async def forget_abandoned(session: RuleSession, now: datetime) -> None:
    """Delete sign-ins that nobody came back to."""
    await repository.remove_older(session, now - timedelta(seconds=max(SIGN_IN_SECONDS, CLI_CODE_SECONDS)))
