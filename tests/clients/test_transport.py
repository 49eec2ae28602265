"""What is retried, what is not, and how refusals come out."""

import pytest
from datafactory import Client, Refused, StaticToken, Unreachable
from datafactory.transport import Transport

from tests.clients.fake_factory import FakeFactory


def test_a_read_waits_for_a_busy_factory(fake: FakeFactory, client: Client, waits: list[float]) -> None:
    fake.busy_answers = 2
    assert client.transport.get("/api/v1/echo")["method"] == "GET"
    assert waits == [0.0, 0.0]  # as long as Retry-After asked


def test_a_lost_connection_is_tried_again_ever_more_slowly(
    fake: FakeFactory, client: Client, waits: list[float]
) -> None:
    fake.lost_answers = 3
    client.transport.get("/api/v1/echo")
    assert len(waits) == 3
    assert waits[0] < waits[2]


def test_a_post_is_repeated_under_one_idempotency_key(fake: FakeFactory, client: Client) -> None:
    fake.lost_answers = 1
    fake.busy_answers = 1
    client.transport.post("/api/v1/echo", {"a": 1})
    keys = {seen.headers["Idempotency-Key"] for seen in fake.requests("POST", "/api/v1/echo")}
    assert len(fake.requests("POST", "/api/v1/echo")) == 3
    assert len(keys) == 1


def test_two_posts_have_two_keys(fake: FakeFactory, client: Client) -> None:
    client.transport.post("/api/v1/echo", {})
    client.transport.post("/api/v1/echo", {})
    keys = {seen.headers["Idempotency-Key"] for seen in fake.requests("POST", "/api/v1/echo")}
    assert len(keys) == 2


def test_a_patch_is_not_repeated_and_carries_what_was_seen(fake: FakeFactory, client: Client) -> None:
    client.transport.patch("/api/v1/echo", {"name": "new"})
    (changed,) = fake.requests("PATCH", "/api/v1/echo")
    assert changed.headers["If-Match"] == '"7"'
    fake.busy_answers = 1
    with pytest.raises(Refused) as caught:
        client.transport.patch("/api/v1/echo", {}, etag='"7"')
    assert caught.value.status == 503


def test_too_many_for_now_is_no_question_of_patience(fake: FakeFactory, client: Client) -> None:
    fake.busy_status, fake.busy_after = 429, None
    fake.busy_answers = 1
    with pytest.raises(Refused) as caught:
        client.transport.post("/api/v1/echo", {})
    assert caught.value.status == 429
    fake.busy_after, fake.busy_answers = "3600", 1
    with pytest.raises(Refused) as caught:
        client.transport.post("/api/v1/echo", {})
    assert caught.value.retry_after == 3600


def test_patience_ends(fake: FakeFactory, client: Client) -> None:
    fake.busy_answers = 1000
    with pytest.raises(Refused) as caught:
        client.transport.get("/api/v1/echo")
    assert caught.value.code == "unavailable"
    assert len(fake.requests("GET", "/api/v1/echo")) == 6


def test_nobody_there_is_told_apart_from_a_refusal(waits: list[float]) -> None:
    transport = Transport("http://127.0.0.1:1", StaticToken("t"), sleep=waits.append, attempts=2)
    with pytest.raises(Unreachable, match=r"127\.0\.0\.1:1"):
        transport.get("/api/v1/me")
    transport.close()


def test_a_refusal_carries_code_fields_and_cures(client: Client) -> None:
    with pytest.raises(Refused) as caught:
        client.transport.post("/api/v1/refused", {})
    refused = caught.value
    assert (refused.status, refused.code, refused.detail) == (422, "invalid-request", "detail of invalid-request")
    assert [(e.pointer, e.code) for e in refused.errors] == [("/name", "too-long")]
    (cure,) = refused.cures
    assert (cure.operation_id, cure.ids) == ("start_attempt", {"course_id": "using-donated-data"})


def test_lists_are_read_page_by_page(fake: FakeFactory, client: Client) -> None:
    assert [item["n"] for item in client.transport.pages("/api/v1/numbers")] == list(range(8))
    assert len(fake.requests("GET", "/api/v1/numbers")) == 3


def test_a_list_is_read_no_further_than_asked(fake: FakeFactory, client: Client) -> None:
    assert [item["n"] for item in client.transport.pages("/api/v1/numbers", most=2)] == [0, 1]
    assert len(fake.requests("GET", "/api/v1/numbers")) == 1


def test_the_language_asked_for_is_sent(fake: FakeFactory) -> None:
    token = str(fake.issue("me")["access_token"])
    with Client(fake.base_url, StaticToken(token), language="sv") as client:
        assert client.transport.get("/api/v1/echo")["language"] == "sv"
