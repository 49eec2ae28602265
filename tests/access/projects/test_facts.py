"""What decisions are told of people and projects: ids and numbers, in few queries however many are asked for."""

from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import event

from services.access.identity import service as identity
from services.access.projects import service as projects
from services.kit.ids import new_id
from tests.access.support import World


def at(*when: int) -> int:
    return int(datetime(*when, tzinfo=UTC).timestamp())  # pyright: ignore[reportArgumentType]


@contextmanager
def counted(world: World) -> Generator[list[str]]:
    """The statements that are run."""
    seen: list[str] = []

    def note(_conn: Any, _cursor: Any, statement: str, *_: Any) -> None:
        seen.append(statement)

    event.listen(world.db.engine.sync_engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(world.db.engine.sync_engine, "before_cursor_execute", note)


async def test_people_with_their_partner(world: World) -> None:
    anna = await world.as_user("anna", partner="Acme", sector="industry", country="NO")
    nobody = await world.as_user("nobody")
    unknown = new_id()
    async with world.ctx.unit() as session:
        found = await identity.facts(session, [anna.id, nobody.id, unknown])
    assert found == {
        anna.id: {
            "active": True,
            "partner": {"id": str(anna.partner_id), "sector": "industry", "country": "NO", "active": True},
        },
        nobody.id: {"active": True, "partner": None},
    }


async def test_a_suspended_partner_and_a_user_shut_out_are_not_active(world: World) -> None:
    anna = await world.as_user("anna", partner="Acme")
    operator = await world.as_user("operator", roles=["operator"])
    await operator.post(f"/partners/{anna.partner_id}/suspension")
    await operator.post(f"/users/{anna.id}/deactivation")
    async with world.ctx.unit() as session:
        facts = (await identity.facts(session, [anna.id]))[anna.id]
    assert facts["active"] is False
    assert facts["partner"] is not None
    assert facts["partner"]["active"] is False


async def test_a_projects_days_are_days_in_stockholm_the_last_included(world: World) -> None:
    anna = await world.as_user("anna", partner="Acme")
    approval = {"number": "2026-1", "valid_until": "2026-10-25"}  # the day with 25 hours
    project = await world.project(anna, starts_on="2026-01-01", ends_on="2026-06-30", ethics_approval=approval)
    async with world.ctx.unit() as session:
        (facts,) = (await projects.facts(session, [UUID(project["id"])])).values()
    assert facts == {
        "id": project["id"],
        "purpose": "research/health",
        "open": True,
        "starts": at(2025, 12, 31, 23),
        "ends": at(2026, 6, 30, 22),
        "partner_ids": [str(anna.partner_id)],
        "ethics_until": at(2026, 10, 25, 23),
    }


async def test_without_an_approval_there_is_no_end_to_it_and_a_closed_project_is_not_open(world: World) -> None:
    anna = await world.as_user("anna", partner="Acme")
    project = await world.project(anna)
    await anna.post(f"/projects/{project['id']}/closure")
    async with world.ctx.unit() as session:
        (facts,) = (await projects.facts(session, [UUID(project["id"])])).values()
        assert await projects.facts(session, [new_id()]) == {}
    assert (facts["ethics_until"], facts["open"]) == (253402300799, False)


async def test_each_pair_asked_for_has_an_answer(world: World) -> None:
    anna, bertil = await world.as_user("anna", partner="Acme"), await world.as_user("bertil", partner="Acme")
    project = UUID((await world.project(anna, members=[bertil]))["id"])
    await anna.delete(f"/projects/{project}/members/{bertil.id}")
    stranger = new_id()
    async with world.ctx.unit() as session:
        found = await projects.memberships(session, [(project, anna.id), (project, bertil.id), (project, stranger)])
    assert found == {
        (project, anna.id): {"active": True, "role": "lead"},
        (project, bertil.id): {"active": False, "role": "none"},
        (project, stranger): {"active": False, "role": "none"},
    }


async def test_names_for_the_agreement(world: World) -> None:
    anna = await world.as_user("anna", partner="Acme")
    project = await world.project(anna, partner_ids=[str(await world.partner("Åkes data"))])
    async with world.ctx.unit() as session:
        names = await projects.names(session, UUID(project["id"]))
    assert names == ("Earlier detection of falls", ["Acme", "Åkes data"])


async def test_the_number_of_queries_does_not_grow_with_the_number_asked_for(world: World) -> None:
    people = [await world.as_user(f"user{n}", partner=f"Partner {n % 3}") for n in range(9)]
    made = [UUID((await world.project(person))["id"]) for person in people]
    pairs = [(project, person.id) for project in made for person in people]

    async def ask(n: int) -> int:
        async with world.ctx.unit() as session:
            with counted(world) as statements:
                await identity.facts(session, [p.id for p in people[:n]])
                await projects.facts(session, made[:n])
                await projects.memberships(session, pairs[:n])
        return len([s for s in statements if s.startswith("SELECT")])

    assert await ask(1) == await ask(9) == 5


async def test_lists_do_not_ask_once_per_row(world: World) -> None:
    anna = await world.as_user("anna", partner="Acme")

    async def asked() -> int:
        with counted(world) as statements:
            assert (await anna.get("/projects")).status_code == 200
        return len([s for s in statements if s.startswith("SELECT")])

    await world.project(anna)
    one = await asked()
    for n in range(5):
        await world.project(anna, name=f"P{n}")
    assert await asked() == one
