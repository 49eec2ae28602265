"""Operators read what every service says on the bus, preparation and annotation among them; nobody else does."""

import json
from collections.abc import AsyncGenerator, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from google.protobuf.message import Message as Protobuf

from services.access.journal.events import TOPICS, readable, unknown_types
from services.kit.bus import Record, Start
from services.kit.events import annotation, deid
from services.kit.events.registry import EVENTS, event_type
from services.kit.ids import new_id
from tests.access.support import World

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def record(name: str, message: Protobuf, **headers: str) -> Record:
    """A fact as it lies in the log."""
    known = event_type(name)
    subject = known.subject_of(message)
    attributes = {
        "ce_specversion": "1.0",
        "ce_id": str(new_id()),
        "ce_type": name,
        "ce_source": f"/factory/{known.service}",
        "ce_subject": subject,
        "ce_time": "2026-03-01T12:00:00Z",
        "ce_revision": "1",
        **headers,
    }
    return Record(known.topic, 0, 0, subject, message.SerializeToString(), attributes, NOON)


RUN, VERSION, CAMPAIGN = (str(new_id()) for _ in range(3))
FACTS = (
    record("factory.deid.gate.refused.v1", deid.GateRefused(run_id=RUN, version_id=VERSION, reasons=["recall"])),
    record(
        "factory.annotation.campaign.closed.v1",
        annotation.CampaignClosed(campaign_id=CAMPAIGN, version_id=VERSION, items_accepted=40),
    ),
)


class FakeBus:
    """A log with two facts in it."""

    def __init__(self) -> None:
        self.topics: Sequence[str] = ()

    async def tail(self, topics: Sequence[str], start: Start) -> AsyncGenerator[Record]:
        self.topics = topics
        for fact in FACTS:
            yield fact


def test_every_service_that_says_something_is_heard() -> None:
    assert {"factory.access.v1", "factory.annotation.v1", "factory.catalog.v1", "factory.deid.v1"} <= set(TOPICS)
    assert not unknown_types(list(EVENTS))
    assert unknown_types(["factory.deid.run.forgotten.v1"]) == ["factory.deid.run.forgotten.v1"]


def test_a_fact_is_told_with_ids_and_words_only() -> None:
    line = readable(FACTS[0], [])
    assert line is not None and line.endswith("\n")
    told = json.loads(line)
    assert told["data"] == {"run_id": RUN, "version_id": VERSION, "reasons": ["recall"]}
    assert (told["type"], told["subject"], told["topic"]) == ("factory.deid.gate.refused.v1", RUN, "factory.deid.v1")
    assert readable(FACTS[0], ["factory.deid.gate.passed.v1"]) is None
    assert (
        readable(record(FACTS[0].headers["ce_type"], deid.GateRefused(run_id=RUN), ce_type="factory.x.y.z.v1"), [])
        is None
    )


async def test_operators_alone_follow_the_bus(world: World) -> None:
    bus = FakeBus()
    world.ctx.bus = bus  # pyright: ignore[reportAttributeAccessIssue]
    operator = await world.as_user("operator", roles=["operator"])
    answer = await operator.get("/events")
    assert answer.headers["content-type"].startswith("application/x-ndjson")
    told: list[dict[str, Any]] = [json.loads(line) for line in answer.text.splitlines()]
    assert [fact["data"].get("campaign_id") for fact in told] == [None, CAMPAIGN]
    assert bus.topics == TOPICS
    only = await operator.get("/events", params={"types": "factory.annotation.campaign.closed.v1"})
    assert len(only.text.splitlines()) == 1
    unknown = await operator.get("/events", params={"types": "factory.deid.run.forgotten.v1"})
    assert (unknown.status_code, unknown.json()["errors"][0]["code"]) == (422, "unknown-event-type")


@pytest.mark.parametrize("roles", [[], ["steward:Acme"], ["donor", "partner-admin"], ["finance"]])
async def test_who_is_no_operator_hears_nothing(world: World, roles: list[str]) -> None:
    anna = await world.as_user("anna", partner="Acme", roles=roles)
    await world.project(anna)
    answer = await anna.get("/events")
    assert (answer.status_code, answer.json()["code"]) == (403, "role-required")
    assert (await world.anonymous.get("/events")).status_code == 401
