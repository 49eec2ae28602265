"""Who is who: the caller, partners, users, roles, API keys and clients."""

from typing import Any

from datafactory.errors import Json
from datafactory.transport import Transport


class Partners:
    """Identity, as the factory keeps it."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def me(self) -> Json:
        """Return the caller: `{id, display_name, partner, roles, projects}`."""
        return self._transport.get("/api/v1/me")

    def redeem_operator_secret(self, secret: str) -> Json:
        """Become the first operator with the one-time secret printed at the factory's first start."""
        me = self._transport.post("/api/v1/operator-secret/redemptions", {"secret": secret})
        self._transport.forget_token()
        return me

    def create(self, name: str, sector: str, country: str) -> Json:
        """Create a partner; sector is public, academia, industry or nonprofit, country ISO 3166-1 alpha-2."""
        return self._transport.post("/api/v1/partners", {"name": name, "sector": sector, "country": country})

    def all(self) -> list[Json]:
        """Return the partners the caller may see."""
        return list(self._transport.pages("/api/v1/partners", {"limit": 200}))

    def get(self, partner_id: str) -> Json:
        """Return one partner."""
        return self._transport.get(f"/api/v1/partners/{partner_id}")

    def add_member(self, partner_id: str, user_id: str) -> Json:
        """Make a user one of the partner's people."""
        return self._transport.post(f"/api/v1/partners/{partner_id}/members", {"user_id": user_id})

    def users(self) -> list[Json]:
        """Return the users the caller may see."""
        return list(self._transport.pages("/api/v1/users", {"limit": 200}))

    def assign_role(self, user_id: str, role: str, kind: str = "global", scope_id: str | None = None) -> Json:
        """Give a user a role within a scope (global, partner, project, donation or campaign)."""
        body: dict[str, Any] = {"user_id": user_id, "role": role, "scope": {"kind": kind, "id": scope_id}}
        return self._transport.post("/api/v1/role-assignments", body)

    def roles(self) -> list[Json]:
        """Return the role assignments the caller may see."""
        return list(self._transport.pages("/api/v1/role-assignments", {"limit": 200}))

    def revoke_role(self, assignment_id: str) -> None:
        """Take a role back."""
        self._transport.delete(f"/api/v1/role-assignments/{assignment_id}")

    def create_api_key(self, name: str, expires_at: str) -> Json:
        """Create an API key: `{id, key}`; the key is shown this once."""
        return self._transport.post("/api/v1/api-keys", {"name": name, "expires_at": expires_at})

    def api_keys(self) -> list[Json]:
        """Return the caller's API keys, without the keys themselves."""
        return list(self._transport.pages("/api/v1/api-keys"))

    def revoke_api_key(self, key_id: str) -> None:
        """End an API key."""
        self._transport.delete(f"/api/v1/api-keys/{key_id}")

    def create_client(self, partner_id: str, name: str) -> Json:
        """Create credentials for a partner's system: `{client_id, client_secret}`; the secret is shown this once."""
        return self._transport.post("/api/v1/clients", {"partner_id": partner_id, "name": name})
