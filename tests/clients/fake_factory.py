"""A factory of a few dozen lines, over real sockets, that can be told to misbehave: lose connections, be busy, refuse.

It speaks the seams of the public API that the client needs, and keeps what it saw for the tests to look at.
"""

import base64
import hashlib
import json
import re
import secrets
import threading
import urllib.parse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Json = dict[str, Any]


@dataclass
class Upload:
    """An upload as the fake keeps it."""

    id: str
    path: str
    size: int
    sha256: str
    unpack: str | None
    data: bytearray = field(default_factory=bytearray)

    def shown(self) -> Json:
        """Return it as the API shows it."""
        whole = len(self.data) == self.size
        good = hashlib.sha256(self.data).hexdigest() == self.sha256
        state = ("stored" if good else "refused") if whole else "open"
        return {
            "id": self.id,
            "path": self.path,
            "size": self.size,
            "sha256": self.sha256,
            "unpack": self.unpack,
            "state": state,
            "reason": "digest-mismatch" if state == "refused" else None,
            "offset": len(self.data),
            "bytes_done": self.size if state == "stored" else 0,
            "bytes_total": self.size,
            "upload_url": f"/api/v1/uploads/{self.id}",
        }


@dataclass
class Seen:
    """A request that arrived."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class Cut(Exception):
    """Raised by a handler to close the connection then and there."""


@dataclass
class FakeFactory:
    """The state of the fake, and its switches."""

    base_url: str = ""
    seen: list[Seen] = field(default_factory=list[Seen])
    codes: dict[str, tuple[str, str]] = field(default_factory=dict[str, tuple[str, str]])
    sessions: dict[str, str] = field(default_factory=dict[str, str])
    tokens: dict[str, str] = field(default_factory=dict[str, str])
    tokens_issued: int = 0
    uploads: dict[str, Upload] = field(default_factory=dict[str, Upload])
    donations: dict[str, Json] = field(default_factory=dict[str, Json])
    files: dict[str, bytes] = field(default_factory=dict[str, bytes])
    denied: list[str] = field(default_factory=list[str])
    permitted_purposes: list[str] = field(default_factory=list[str])
    # switches
    token_seconds: int = 300
    busy_answers: int = 0
    busy_status: int = 503
    busy_after: str | None = "0"
    lost_answers: int = 0
    cut_patch_after: int | None = None
    cut_download_after: int | None = None
    cuts_left: int = 0
    wrong_bytes: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)

    def requests(self, method: str, pattern: str) -> list[Seen]:
        """Return the requests that came for paths like `pattern`."""
        return [s for s in self.seen if s.method == method and re.fullmatch(pattern, s.path)]

    def issue(self, subject: str) -> Json:
        """Issue a bearer token."""
        token = secrets.token_hex(8)
        self.tokens[token] = subject
        self.tokens_issued += 1
        return {"access_token": token, "token_type": "Bearer", "expires_in": self.token_seconds}


class Handler(BaseHTTPRequestHandler):
    """Routes of the fake; `fake` is set by the server that makes it."""

    protocol_version = "HTTP/1.1"
    fake: FakeFactory

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""

    def answer(self, status: int, body: object = None, headers: dict[str, str] | None = None) -> None:
        """Send a whole answer: JSON, text or bytes."""
        if isinstance(body, bytes):
            raw, kind = body, "application/octet-stream"
        elif isinstance(body, str):
            raw, kind = body.encode(), "text/html"
        else:
            raw, kind = b"" if body is None else json.dumps(body).encode(), "application/json"
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(raw)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(raw)

    def problem(self, status: int, code: str, **more: object) -> None:
        """Send a refusal."""
        headers = more.pop("headers", None)
        body = {
            "type": f"urn:datafactory:problem:{code}",
            "status": status,
            "code": code,
            "detail": f"detail of {code}",
        }
        self.answer(status, {**body, **more}, headers)  # pyright: ignore[reportArgumentType]

    def redirect(self, location: str) -> None:
        """Send a redirect."""
        self.answer(302, None, {"Location": location})

    def subject(self) -> str | None:
        """Return whose token came."""
        return self.fake.tokens.get(self.headers.get("Authorization", "").removeprefix("Bearer "))

    def handle_any(self) -> None:
        """Find the route and run it; `Cut` closes the connection."""
        parts = urllib.parse.urlsplit(self.path)
        self.query = {key: values[0] for key, values in urllib.parse.parse_qs(parts.query).items()}
        patch = self.command == "PATCH" and "/uploads/" in parts.path
        self.body = b"" if patch else self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.fake.seen.append(Seen(self.command, parts.path, dict(self.headers.items()), self.body))
        try:
            for methods, pattern, route, public in ROUTES:
                match = re.fullmatch(pattern, parts.path)
                if match and self.command in methods.split():
                    if not public and self.subject() is None:
                        self.problem(401, "not-signed-in")
                    else:
                        route(self, *(urllib.parse.unquote(group) for group in match.groups()))
                    return
            self.problem(404, "no-such-route")
        except Cut:
            self.close_connection = True
            self.wfile.flush()

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any

    def json(self) -> Json:
        """Return the body as JSON."""
        return json.loads(self.body)


def login(h: Handler) -> None:
    h.redirect(f"{h.fake.base_url}/provider/authorize?state={h.query['cli_port']}.{h.query['cli_challenge']}")


def authorize(h: Handler) -> None:
    if h.command == "GET":
        h.answer(200, '<form method="post"><input type="text" name="sub"></form>')
        return
    sub = urllib.parse.parse_qs(h.body.decode())["sub"][0]
    h.redirect(f"/auth/callback?state={h.query['state']}&code={sub}")


def callback(h: Handler) -> None:
    port, _, challenge = h.query["state"].partition(".")
    code = secrets.token_hex(8)
    h.fake.codes[code] = (h.query["code"], challenge)
    h.redirect(f"http://127.0.0.1:{port}/?code={code}")


def cli_token(h: Handler) -> None:
    sub, challenge = h.fake.codes.pop(h.json()["code"])
    digest = hashlib.sha256(h.json()["verifier"].encode()).digest()
    if base64.urlsafe_b64encode(digest).decode().rstrip("=") != challenge:
        h.problem(401, "code-refused")
        return
    session = secrets.token_hex(8)
    h.fake.sessions[session] = sub
    h.answer(200, {"session_token": session, **h.fake.issue(sub)})


def session_token(h: Handler) -> None:
    sub = h.fake.sessions.get(h.headers.get("Authorization", "").removeprefix("Bearer "))
    if sub is None:
        h.problem(401, "session-ended")
    else:
        h.answer(200, h.fake.issue(sub))


def exchange(h: Handler) -> None:
    form = {key: values[0] for key, values in urllib.parse.parse_qs(h.body.decode()).items()}
    if form.get("subject_token") == "good-key" or form.get("client_secret") == "good-secret":
        h.answer(200, h.fake.issue("machine"))
    else:
        h.problem(401, "credentials-refused")


def me(h: Handler) -> None:
    partner = {"id": "partner-1", "name": "Nordvik"}
    h.answer(200, {"id": "user-1", "display_name": h.subject(), "partner": partner, "roles": [], "projects": []})


def echo(h: Handler) -> None:
    with h.fake.lock:
        if h.fake.busy_answers > 0:
            h.fake.busy_answers -= 1
            after = h.fake.busy_after
            h.problem(h.fake.busy_status, "unavailable", headers={"Retry-After": after} if after else {})
            return
        if h.fake.lost_answers > 0:
            h.fake.lost_answers -= 1
            raise Cut
    h.answer(200, {"method": h.command, "language": h.headers.get("Accept-Language")}, {"ETag": '"7"'})


def refuse(h: Handler) -> None:
    cure = {
        "kind": "act",
        "operation_id": "start_attempt",
        "text": "Take the course.",
        "course_id": "using-donated-data",
    }
    h.problem(
        422,
        "invalid-request",
        errors=[{"pointer": "/name", "code": "too-long", "detail": "At most 200 characters."}],
        cures=[cure],
    )


def numbers(h: Handler) -> None:
    first = int(h.query.get("after") or 0)
    items = [{"n": n} for n in range(first, min(first + 3, 8))]
    h.answer(200, {"items": items, "next_cursor": str(first + 3) if first + 3 < 8 else None})


def create_donation(h: Handler) -> None:
    donation = {**h.json(), "id": f"donation-{len(h.fake.donations) + 1}", "state": "draft"}
    h.fake.donations[str(donation["id"])] = donation
    h.answer(201, donation)


def get_donation(h: Handler, donation_id: str) -> None:
    h.answer(200, h.fake.donations[donation_id])


def submit_donation(h: Handler, donation_id: str) -> None:
    h.fake.donations[donation_id]["state"] = "submitted"
    h.answer(200, h.fake.donations[donation_id])


def create_upload(h: Handler, donation_id: str) -> None:
    body = h.json()
    upload = Upload(secrets.token_hex(4), body["path"], body["size"], body["sha256"], body["unpack"])
    h.fake.uploads[upload.id] = upload
    h.answer(201, upload.shown())


def list_uploads(h: Handler, donation_id: str) -> None:
    h.answer(200, {"items": [u.shown() for u in h.fake.uploads.values()], "next_cursor": None})


def tus(h: Handler, upload_id: str) -> None:
    upload = h.fake.uploads.get(upload_id)
    if upload is None:
        h.rfile.read(int(h.headers.get("Content-Length") or 0))
        h.problem(404, "not-found")
        return
    assert h.headers["Tus-Resumable"] == "1.0.0"
    if h.command == "PATCH":
        length = int(h.headers["Content-Length"])
        if int(h.headers["Upload-Offset"]) != len(upload.data):
            h.rfile.read(length)
            h.problem(409, "upload-offset-mismatch")
            return
        if h.fake.cut_patch_after is not None and h.fake.cuts_left > 0:
            h.fake.cuts_left -= 1
            upload.data += h.rfile.read(min(length, h.fake.cut_patch_after))
            raise Cut
        upload.data += h.rfile.read(length)
    headers = {"Upload-Offset": str(len(upload.data)), "Upload-Length": str(upload.size), "Tus-Resumable": "1.0.0"}
    h.answer(204 if h.command == "PATCH" else 200, None, headers)


def decide(h: Handler) -> None:
    more = {"permitted_purposes": h.fake.permitted_purposes} if h.fake.permitted_purposes else {}
    codes = [
        {
            "code": code,
            "message": f"message of {code}",
            "cures": [{"kind": "act", "operation_id": "create_request", "text": "Ask.", **ASKED, **more}],
        }
        for code in h.fake.denied
    ]
    answer: Json = {"id": secrets.token_hex(4), "permit": not codes, "codes": codes, "obligations": []}
    if not codes:
        answer |= {"permit_token": "permit", "expires_at": "2100-01-01T00:00:00Z"}
    h.answer(200, {**answer, "policy_revision": "r1"})


ASKED = {"project_id": "p-1", "dataset_id": "d-1", "actions": ["read"], "purpose": "research/applied"}


def list_files(h: Handler, version_id: str) -> None:
    items = [
        {"path": path, "size": len(data), "sha256": hashlib.sha256(data).hexdigest(), "media_type": "text/plain"}
        for path, data in h.fake.files.items()
    ]
    h.answer(200, {"items": items, "next_cursor": None})


def download(h: Handler, version_id: str, path: str) -> None:
    if h.headers.get("Factory-Permit") != "permit" or h.fake.denied:
        h.problem(403, "permit-refused")
        return
    data = h.fake.files[path]
    etag = f'"{hashlib.sha256(data).hexdigest()[:16]}"'
    first = 0
    if (ranged := h.headers.get("Range")) and h.headers.get("If-Range", etag) == etag:
        first = int(ranged.removeprefix("bytes=").rstrip("-").split("-")[0])
    sent = data[first:] if not h.fake.wrong_bytes else bytes(len(data) - first)
    h.send_response(206 if first else 200)
    h.send_header("Content-Length", str(len(sent)))
    h.send_header("ETag", etag)
    h.end_headers()
    if h.fake.cut_download_after is not None and h.fake.cuts_left > 0:
        h.fake.cuts_left -= 1
        h.wfile.write(sent[: h.fake.cut_download_after])
        raise Cut
    h.wfile.write(sent)


def search(h: Handler) -> None:
    found = [{"id": "d-1", "title": "Digits", "integrity_class": "open", "state": "published"}]
    h.answer(200, {"items": found if "digit" in h.query.get("q", "") else [], "next_cursor": None, "facets": {}})


def start_attempt(h: Handler, course_id: str) -> None:
    options = [{"id": "right", "text": "It says so."}, {"id": "wrong", "text": "Nobody knows."}]
    questions = [{"id": f"q{n}", "text": f"Question {n}?", "options": options} for n in (1, 2)]
    h.answer(
        201, {"id": "attempt-1", "course_id": course_id, "questions": questions, "expires_at": "2100-01-01T00:00:00Z"}
    )


def submit_attempt(h: Handler, attempt_id: str) -> None:
    wrong = [question for question, option in h.json()["answers"].items() if option != "right"]
    mistakes = [{"question_id": q, "text": f"Question {q}?", "explanation": f"Because of {q}."} for q in wrong]
    score = 100 - 50 * len(wrong)
    passed = not wrong
    result: Json = {"passed": passed, "score": score, "pass_mark": 80, "mistakes": mistakes}
    h.answer(200, {**result, "valid_until": "2027-11-25T00:00:00Z" if passed else None, "next_attempt_at": None})


def agreement(h: Handler, agreement_id: str) -> None:
    text = {"sv": "# Avtal\n\nBara för forskning.", "en": "# Agreement\n\nFor research only."}
    h.answer(200, {"id": agreement_id, "text": text, "digest": "d" * 64})


def sign(h: Handler, agreement_id: str) -> None:
    assert h.json() == {"accept": True, "digest": "d" * 64}
    h.answer(200, {"id": agreement_id, "signed_at": "2026-11-25T00:00:00Z"})


def create_request(h: Handler) -> None:
    h.answer(201, {**h.json(), "id": "request-1", "state": "submitted"})


def events(h: Handler) -> None:
    lines = [
        {"type": "factory.access.grant.issued.v1", "time": "2026-11-25T00:00:00Z", "subject": f"g-{n}"} for n in (1, 2)
    ]
    h.answer(200, "".join(json.dumps({**line, "asked": h.query}) + "\n" for line in lines))


ROUTES: list[tuple[str, str, Callable[..., None], bool]] = [
    ("GET", "/auth/login", login, True),
    ("GET POST", "/provider/authorize", authorize, True),
    ("GET", "/auth/callback", callback, True),
    ("POST", "/auth/cli/token", cli_token, True),
    ("POST", "/auth/token", session_token, True),
    ("POST", "/api/v1/token", exchange, True),
    ("GET", "/api/v1/me", me, False),
    ("GET POST PATCH", "/api/v1/echo", echo, False),
    ("POST", "/api/v1/refused", refuse, False),
    ("GET", "/api/v1/numbers", numbers, False),
    ("POST", "/api/v1/donations", create_donation, False),
    ("GET", "/api/v1/donations/([^/]+)", get_donation, False),
    ("POST", "/api/v1/donations/([^/]+)/submission", submit_donation, False),
    ("POST", "/api/v1/donations/([^/]+)/uploads", create_upload, False),
    ("GET", "/api/v1/donations/([^/]+)/uploads", list_uploads, False),
    ("HEAD PATCH", "/api/v1/uploads/([^/]+)", tus, False),
    ("POST", "/api/v1/decisions", decide, False),
    ("GET", "/api/v1/versions/([^/]+)/files", list_files, False),
    ("GET", "/api/v1/versions/([^/]+)/files/(.+)", download, False),
    ("GET", "/api/v1/datasets", search, False),
    ("POST", "/api/v1/courses/([^/]+)/attempts", start_attempt, False),
    ("POST", "/api/v1/attempts/([^/]+)/answers", submit_attempt, False),
    ("GET", "/api/v1/agreements/([^/]+)", agreement, False),
    ("POST", "/api/v1/agreements/([^/]+)/signature", sign, False),
    ("POST", "/api/v1/requests", create_request, False),
    ("GET", "/api/v1/events", events, False),
]


@contextmanager
def running() -> Iterator[FakeFactory]:
    """Run a fake on a free port of the loopback."""
    fake = FakeFactory()
    handler = type("BoundHandler", (Handler,), {"fake": fake})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    fake.base_url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield fake
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
