"""Projects: a purpose, partners, people, dates and a budget."""

from collections.abc import Mapping
from typing import Any

from datafactory.errors import Json
from datafactory.transport import Transport


class Projects:
    """What leads do with projects. Membership is written in the token, so changes fetch a new one."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def create(self, body: Mapping[str, Any]) -> Json:
        """Create a project: name, purpose, description, partner_ids, collaborative, starts_on, ends_on, …"""
        project = self._transport.post("/api/v1/projects", dict(body))
        self._transport.forget_token()
        return project

    def all(self) -> list[Json]:
        """Return the projects the caller may see."""
        return list(self._transport.pages("/api/v1/projects"))

    def get(self, project_id: str) -> Json:
        """Return one project."""
        return self._transport.get(f"/api/v1/projects/{project_id}")

    def update(self, project_id: str, changes: Mapping[str, Any], etag: str | None = None) -> Json:
        """Change a project, under If-Match; a change of purpose is recorded."""
        return self._transport.patch(f"/api/v1/projects/{project_id}", dict(changes), etag)

    def changes(self, project_id: str) -> list[Json]:
        """Return what was changed, when and by whom."""
        return list(self._transport.pages(f"/api/v1/projects/{project_id}/changes"))

    def add_member(self, project_id: str, user_id: str, role: str = "member") -> Json:
        """Add a user of one of the project's partners."""
        member = self._transport.post(f"/api/v1/projects/{project_id}/members", {"user_id": user_id, "role": role})
        self._transport.forget_token()
        return member

    def remove_member(self, project_id: str, user_id: str) -> None:
        """Remove a member; what they have running under the project stops."""
        self._transport.delete(f"/api/v1/projects/{project_id}/members/{user_id}")
        self._transport.forget_token()

    def close(self, project_id: str) -> Json:
        """Close a project."""
        return self._transport.post(f"/api/v1/projects/{project_id}/closure")
