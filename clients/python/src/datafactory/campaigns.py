"""Annotation: campaigns, their tasks, reviews, statistics, and files of labels in and out."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from datafactory.decisions import seconds_left
from datafactory.downloads import PERMIT_HEADER
from datafactory.errors import Json
from datafactory.transport import Transport

MEDIA_TYPES = {"coco": "application/json", "jsonl": "application/x-ndjson", "csv": "text/csv"}
"""Formats of annotation files."""


class Campaigns:
    """Campaigns over released versions."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def create(self, campaign: Mapping[str, Any]) -> Json:
        """Open a campaign; see `create_campaign` of the API for its members."""
        return self._transport.post("/api/v1/campaigns", dict(campaign))

    def all(self) -> list[Json]:
        """Return the campaigns the caller may see."""
        return list(self._transport.pages("/api/v1/campaigns"))

    def get(self, campaign_id: str) -> Json:
        """Return one campaign with how far it has come."""
        return self._transport.get(f"/api/v1/campaigns/{campaign_id}")

    def update(self, campaign_id: str, changes: Mapping[str, Any], etag: str | None = None) -> Json:
        """Change title or guidelines, under If-Match."""
        return self._transport.patch(f"/api/v1/campaigns/{campaign_id}", dict(changes), etag)

    def add_member(self, campaign_id: str, user_id: str, role: str) -> Json:
        """Let somebody of the project work here, as `annotator` or `reviewer`."""
        return self._transport.post(f"/api/v1/campaigns/{campaign_id}/members", {"user_id": user_id, "role": role})

    def remove_member(self, campaign_id: str, user_id: str, role: str) -> None:
        """Take that back."""
        self._transport.delete(f"/api/v1/campaigns/{campaign_id}/members/{user_id}/{role}")

    def reviews(self, campaign_id: str) -> list[Json]:
        """Return the items on which annotators disagree."""
        return list(self._transport.pages("/api/v1/reviews", {"campaign_id": campaign_id}))

    def settle(self, item_id: str, marks: Sequence[Mapping[str, Any]], comment: str = "") -> Json:
        """Say what holds for an item, as a reviewer."""
        return self._transport.post(
            f"/api/v1/reviews/{item_id}", {"marks": [dict(m) for m in marks], "comment": comment}
        )

    def agreement(self, campaign_id: str) -> Json:
        """Return how well the annotators agree, by label and by annotator."""
        return self._transport.get(f"/api/v1/campaigns/{campaign_id}/agreement")

    def close(self, campaign_id: str, *, accept_incomplete: bool = False) -> Json:
        """Close the campaign: what was accepted becomes a version."""
        return self._transport.post(
            f"/api/v1/campaigns/{campaign_id}/closure", {"accept_incomplete": accept_incomplete}
        )

    def export(self, campaign_id: str, form: str) -> bytes:
        """Return what is accepted so far, as `coco`, `jsonl` or `csv`."""
        return self._transport.send("GET", f"/api/v1/campaigns/{campaign_id}/export", params={"format": form}).content

    def import_file(self, campaign_id: str, form: str, content: bytes) -> Json:
        """Bring in annotations made elsewhere; they count as accepted."""

        def body() -> Iterator[bytes]:
            yield content

        headers = {"Content-Type": MEDIA_TYPES[form], "Content-Length": str(len(content))}
        answer = self._transport.send(
            "POST", f"/api/v1/campaigns/{campaign_id}/import", params={"format": form}, headers=headers, content=body
        )
        return answer.json()


class Tasks:
    """The work of an annotator."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def claim(self, campaign_id: str) -> Json | None:
        """Take the next item on loan; None when nothing is left for the caller."""
        return self._transport.post(f"/api/v1/campaigns/{campaign_id}/claims") or None

    def get(self, task_id: str) -> Json:
        """Return a task of the caller's."""
        return self._transport.get(f"/api/v1/tasks/{task_id}")

    def file(self, task: Mapping[str, Any]) -> bytes:
        """Return the bytes of a claimed task's file, under the permit that came with the claim."""
        if seconds_left(task.get("permit_expires_at")) < 5:
            task = self.get(str(task["id"]))
        headers = {PERMIT_HEADER: str(task["permit_token"])}
        return self._transport.send("GET", str(task["file_url"]), headers=headers).content

    def save(
        self, task_id: str, marks: Sequence[Mapping[str, Any]], comment: str = "", *, revision: int | None = None
    ) -> Json:
        """Save a draft; `revision` as last seen guards against another window's newer one."""
        headers = {"If-Match": "*" if revision is None else f'"{revision}"'}
        body = {"marks": [dict(mark) for mark in marks], "comment": comment}
        answer = self._transport.send(
            "PUT", f"/api/v1/tasks/{task_id}/annotation", json=body, headers=headers, repeatable=True
        )
        return answer.json()

    def submit(self, task_id: str) -> Json:
        """Hand a saved task in."""
        return self._transport.post(f"/api/v1/tasks/{task_id}/submission")

    def give_back(self, task_id: str) -> Json:
        """Return a task unfinished: somebody else gets it."""
        return self._transport.post(f"/api/v1/tasks/{task_id}/return")
