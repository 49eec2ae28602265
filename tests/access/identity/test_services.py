"""Services prove themselves to access, ask it who someone is now, and verify with its public keys."""

import json
import stat
from pathlib import Path

import pytest
from joserfc.jwk import OKPKey
from pydantic import SecretStr

from services.access.tokens.keys import load_keys, make_keys
from services.access.tokens.service import ServiceSecrets
from services.kit.ids import new_id
from tests.access.support import World
from tests.support.clock import ManualClock


async def test_the_public_keys_are_public_and_hold_nothing_private(world: World) -> None:
    outside = (await world.anonymous.get("/jwks")).json()
    inside = (await world.anonymous.get("http://access/internal/v1/jwks")).json()
    assert outside == inside
    assert {k["kid"].split("-")[0] for k in outside["keys"]} == {"token", "permit"}
    for key in outside["keys"]:
        assert set(key) == {"kty", "crv", "x", "kid", "alg", "use"}
        assert (key["crv"], key["alg"]) == ("Ed25519", "Ed25519")


async def test_the_signing_keys_are_made_once_and_are_the_users_own(world: World) -> None:
    path = world.settings.signing_keys_file
    assert path is not None
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    again = load_keys(path, world.clock, data_dir=world.settings.data_dir)
    assert again.token_signer.key_id == world.token_signer.key_id
    assert again.permit_signer.key_id == world.permit_signer.key_id


def test_keys_in_unsafe_places_are_refused(tmp_path: Path, clock: ManualClock) -> None:
    with pytest.raises(ValueError, match="data folder"):
        load_keys(tmp_path / "data" / "keys.jwks", clock, data_dir=tmp_path / "data")
    path = tmp_path / "keys.jwks"
    path.write_text(make_keys())
    path.chmod(0o644)
    with pytest.raises(ValueError, match="every user"):
        load_keys(path, clock, data_dir=tmp_path / "data")


def test_an_older_key_still_verifies_but_no_longer_signs(tmp_path: Path, clock: ManualClock) -> None:
    new, old = json.loads(make_keys())["keys"], json.loads(make_keys())["keys"]
    path = tmp_path / "keys.jwks"
    path.touch(mode=0o600)
    path.write_text(json.dumps({"keys": new + old}))
    keys = load_keys(path, clock, data_dir=tmp_path / "data")
    assert keys.token_signer.key_id == new[0]["kid"]
    assert [k["kid"] for k in keys.jwks["keys"]] == [k["kid"] for k in new + old]


def test_a_key_file_without_private_keys_of_both_kinds_is_refused(tmp_path: Path, clock: ManualClock) -> None:
    public = OKPKey.generate_key("Ed25519", parameters={"kid": "token-1"}).as_dict(private=False)
    path = tmp_path / "keys.jwks"
    path.touch(mode=0o600)
    path.write_text(json.dumps({"keys": [public]}))
    with pytest.raises(ValueError, match="token-"):
        load_keys(path, clock, data_dir=tmp_path / "data")


async def test_a_service_gets_its_token_for_its_secret_only(world: World) -> None:
    secret = world.ctx.http._secret()
    for service, sent, status in [
        ("access", secret, 200),
        ("catalog", secret, 403),
        ("access", secret[:-1] + ("0" if secret[-1] != "0" else "1"), 403),
        ("access", "ö", 403),
        ("Access", secret, 422),
    ]:
        body = {"service": service, "secret": sent}
        answer = await world.anonymous.post("http://access/internal/v1/service-token", json=body)
        assert answer.status_code == status, (service, status)
    token = (
        await world.anonymous.post(
            "http://access/internal/v1/service-token", json={"service": "access", "secret": secret}
        )
    ).json()["access_token"]
    assert (await world.ctx.verifier.service(token)).name == "access"


def test_secrets_are_given_or_derived_and_an_empty_one_never_holds() -> None:
    given = ServiceSecrets({"catalog": SecretStr("of catalog")}, SecretStr(""))
    assert given.hold("catalog", "of catalog")
    assert not given.hold("access", "of catalog")
    assert not given.hold("access", "")
    assert not ServiceSecrets({"catalog": SecretStr("")}, SecretStr("")).hold("catalog", "")


async def test_services_ask_what_a_user_holds_now(world: World) -> None:
    anna = await world.as_user("anna", partner="Acme", roles=["donor"])
    project = await world.project(anna)
    catalog = world.as_service("catalog")
    answer = (await catalog.get(f"/subjects/{anna.id}")).json()
    assert answer == {
        "sub": str(anna.id),
        "active": True,
        "partner": str(anna.partner_id),
        "roles": [["donor", "partner", str(anna.partner_id)]],
        "projects": {project["id"]: "lead"},
    }
    operator = await world.as_user("operator", roles=["operator"])
    await operator.post(f"/partners/{anna.partner_id}/suspension")
    assert (await catalog.get(f"/subjects/{anna.id}")).json()["active"] is False
    assert (await catalog.get(f"/subjects/{new_id()}")).status_code == 404


async def test_users_do_not_get_in_where_services_talk(world: World) -> None:
    operator = await world.as_user("operator", roles=["operator"])
    answer = await operator.get(f"http://access/internal/v1/subjects/{operator.id}")
    assert answer.status_code == 401
    forged = {"Factory-Service": world.token(operator.id)}
    assert (await operator.get(f"http://access/internal/v1/subjects/{operator.id}", headers=forged)).status_code == 401
