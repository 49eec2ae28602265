"""The first operator redeems a one-time secret that the factory announced when it had no operator."""

import asyncio
import json
import stat
from pathlib import Path

import pytest

from services.access.credentials.operator import announce_operator_secret
from services.kit.ids import new_secret
from tests.access.support import Person, World


async def announced(world: World) -> str:
    await announce_operator_secret(world.ctx, asyncio.Event())
    assert world.settings.operator_secret_file is not None
    return world.settings.operator_secret_file.read_text().strip()


async def redeem(person: Person, secret: str) -> int:
    return (await person.post("/operator-secret/redemptions", json={"secret": secret})).status_code


async def test_the_first_start_announces_a_secret_that_makes_an_operator(world: World) -> None:
    secret = await announced(world)
    anna = await world.as_user("anna")
    answer = await anna.post("/operator-secret/redemptions", json={"secret": secret})
    assert answer.status_code == 200
    assert answer.json()["roles"] == [{"role": "operator", "scope": {"kind": "global", "id": None}}]
    body = {"name": "Acme", "sector": "industry", "country": "SE"}
    assert (await anna.post("/partners", json=body)).status_code == 201


async def test_the_file_is_the_users_own_and_goes_with_redemption(world: World) -> None:
    secret = await announced(world)
    path = world.settings.operator_secret_file
    assert path is not None
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [r[0] for r in await world.rows("SELECT secret_hash FROM operator_secret")] != [secret]
    assert await redeem(await world.as_user("anna"), secret) == 200
    assert not path.exists()


async def test_a_restart_leaves_a_secret_that_waits_and_announces_none_once_there_is_an_operator(world: World) -> None:
    secret = await announced(world)
    assert await announced(world) == secret
    assert await redeem(await world.as_user("anna"), secret) == 200
    await announce_operator_secret(world.ctx, asyncio.Event())
    assert world.settings.operator_secret_file is not None
    assert not world.settings.operator_secret_file.exists()


async def test_a_lost_file_is_replaced_by_a_new_secret_at_the_next_start(world: World) -> None:
    lost = await announced(world)
    assert world.settings.operator_secret_file is not None
    world.settings.operator_secret_file.unlink()
    secret = await announced(world)
    assert secret != lost
    anna = await world.as_user("anna")
    assert await redeem(anna, lost) == 403
    assert await redeem(anna, secret) == 200


async def test_without_a_file_it_is_one_line_on_stderr(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.settings.operator_secret_file = None
    await announce_operator_secret(world.ctx, asyncio.Event())
    (line,) = [line for line in capsys.readouterr().err.splitlines() if "one-time secret" in line]
    assert await redeem(await world.as_user("anna"), line.split()[-1]) == 200


async def test_the_secret_is_never_written_into_the_data_folder(world: World) -> None:
    world.settings.operator_secret_file = Path(world.settings.data_dir) / "operator.secret"
    with pytest.raises(ValueError, match="data folder"):
        await announce_operator_secret(world.ctx, asyncio.Event())


async def test_of_twenty_who_redeem_it_at_once_exactly_one_becomes_operator(world: World) -> None:
    secret = await announced(world)
    people = [await world.as_user(f"user{n}") for n in range(20)]
    answers = await asyncio.gather(*(redeem(person, secret) for person in people))
    assert sorted(answers) == [200] + [409] * 19
    assert await world.rows("SELECT count(*) FROM role_assignments WHERE role = 'operator'") == [(1,)]


async def test_a_redeemed_secret_is_spent(world: World) -> None:
    secret = await announced(world)
    assert await redeem(await world.as_user("anna"), secret) == 200
    assert await redeem(await world.as_user("bertil"), secret) == 409


@pytest.mark.parametrize("secret", ["", "x" * 201, "a\ud800b", None, 7])
async def test_what_can_be_no_secret_is_refused_with_a_pointer(world: World, secret: object) -> None:
    await announced(world)
    anna = await world.as_user("anna")
    body = json.dumps({"secret": secret}).encode()
    headers = {"Content-Type": "application/json"}
    answer = await anna.post("/operator-secret/redemptions", content=body, headers=headers)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/secret")


async def test_attempts_are_limited_and_count_although_they_are_refused(world: World) -> None:
    secret = await announced(world)
    anna, bertil = await world.as_user("anna"), await world.as_user("bertil")
    assert [await redeem(anna, new_secret()) for _ in range(6)] == [403] * 5 + [429]
    answer = await anna.post("/operator-secret/redemptions", json={"secret": secret})
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "900")
    assert await redeem(bertil, new_secret()) == 403
    world.clock.advance(minutes=15)
    assert await redeem(anna, secret) == 200
