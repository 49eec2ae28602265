"""Killed in the middle of its work and started again, or left without its database: nothing lost, nothing twice."""

import datetime
import hashlib
import http.client
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from tests.e2e.house import TUS, Gift, House, Stream, furnish, journal, patch
from tests.support import wait
from tests.support.factory import Factory

PIECE = 256 * 1024
PUBLISHED = "factory.catalog.dataset.published.v1"
RELEASED = "factory.catalog.version.released.v1"


def now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_an_upload_goes_on_where_the_killed_factory_was(rough: Factory, tmp_path: Path) -> None:
    house = furnish(rough)
    data = random.Random(1).randbytes(24_000_000)
    donation_id = house.draft()
    made = house.begin_upload(donation_id, "whole.bin", data)
    received = house.draft("Received when it died, perhaps half taken in")
    half_sent, killed = threading.Event(), threading.Event()

    def body() -> Iterator[bytes]:
        for start in range(0, len(data), PIECE):
            if start > len(data) // 2:
                half_sent.set()
                killed.wait(30)
            yield data[start : start + PIECE]

    def send() -> None:
        headers = {**TUS, **house.donor.transport.signed(), "Upload-Offset": "0", "Content-Length": str(len(data))}
        with pytest.raises(httpx.TransportError):
            httpx.patch(f"{rough.address}{made['upload_url']}", headers=headers, content=body(), timeout=60)

    with ThreadPoolExecutor(1) as pool:
        sending = pool.submit(send)
        assert half_sent.wait(60)
        url = made["upload_url"]
        wait.until_sync(lambda: spooled(rough) > len(data) // 4, seconds=20, what="a part is on disk")
        house.upload(received, "other.bin", data)
        rough.kill()
        killed.set()
        sending.result(60)
    rough.hang_up()
    rough.up()

    offset = house.donor.uploads.offset(url)
    assert len(data) // 4 < offset < len(data), "what had arrived counts"
    assert patch(house.donor, url, offset, data[offset:]) == len(data)
    gift = house.accept(donation_id)
    (entry,) = house.donor.donations.receipt(donation_id)["files"]
    assert (entry["size"], entry["sha256"]) == (len(data), sha256(data))
    house.release(gift)
    house.steward.datasets.publish(gift.dataset_id)
    access = house.access("reader", gift)
    target = tmp_path / "whole.bin"
    access.client.downloads.fetch("whole.bin", access.permits(), target, sha256=entry["sha256"])
    assert target.read_bytes() == data

    house.accept(received)
    (other,) = house.donor.donations.receipt(received)["files"]
    assert other["sha256"] == entry["sha256"]


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def spooled(factory: Factory) -> int:
    """Return how many bytes of uploads lie in the factory's spool."""
    return sum(file.stat().st_size for file in (factory.data / "spool").glob("*.data"))


class Publishing:
    """A publish request that is sent while the factory dies: `sent`, then perhaps `status`."""

    def __init__(self, house: House, gift: Gift, moment: "Moment") -> None:
        self.gift = gift
        self.status: int | None = None
        where = urlsplit(house.factory.address)
        self._connection = http.client.HTTPConnection(str(where.hostname), where.port, timeout=60)
        self._headers = {**house.steward.transport.signed(), "Idempotency-Key": f"publish-{gift.dataset_id}"}
        self._moment = moment

    def send(self) -> None:
        """Send the request and wait for an answer, which may never come."""
        try:
            self._connection.request(
                "POST", f"/api/v1/datasets/{self.gift.dataset_id}/publication", headers=self._headers
            )
            self._moment.sent.release()
            self.status = self._connection.getresponse().status
            self._moment.answered.release()
        except (http.client.HTTPException, OSError):
            return
        finally:
            self._connection.close()


class Moment:
    """When to kill: after so many requests were sent and so many answered."""

    def __init__(self, sent: int, answered: int) -> None:
        self.sent, self.answered = threading.Semaphore(0), threading.Semaphore(0)
        self._wanted = (sent, answered)

    def wait(self) -> None:
        """Wait for it."""
        for semaphore, times in zip((self.sent, self.answered), self._wanted, strict=True):
            for _ in range(times):
                assert semaphore.acquire(timeout=30)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_publication_is_made_once_or_not_at_all_whenever_the_factory_dies(rough: Factory) -> None:
    """Killed when all requests are on their way, when the first is answered, when the second is (with PostgreSQL)."""
    house = furnish(rough)
    began = now() - datetime.timedelta(seconds=1)
    gifts: list[Gift] = []
    answered = 0
    for moment, with_database in ((Moment(3, 0), False), (Moment(0, 1), False), (Moment(0, 2), True)):
        ready = [accepted(house, f"{len(gifts) + number}") for number in range(3)]
        gifts += ready
        requests = [Publishing(house, gift, moment) for gift in ready]
        with ThreadPoolExecutor(len(requests)) as pool:
            running = [pool.submit(request.send) for request in requests]
            moment.wait()
            rough.kill()
            if with_database:
                rough.kill(rough.postmaster)
                wait.until_sync(lambda: not rough.processes(), seconds=20, what="PostgreSQL's children are gone")
            for one in running:
                one.result(60)
        rough.hang_up()
        rough.up()
        for request in requests:
            dataset = house.steward.datasets.get(request.gift.dataset_id)
            if request.status is not None:
                answered += 1
                assert (request.status, dataset["state"]) == (200, "published"), "what was answered has happened"
            assert dataset["state"] in ("draft", "published")
            again = house.steward.transport.post(
                f"/api/v1/datasets/{request.gift.dataset_id}/publication", key=f"publish-{request.gift.dataset_id}"
            )
            assert again["state"] == "published"
    assert answered >= 3

    ids = {gift.dataset_id for gift in gifts}
    facts = journal(
        house.operator, began, [PUBLISHED, RELEASED],
        until=lambda facts: ids <= {fact["subject"] for fact in facts if fact["type"] == PUBLISHED},
    )  # fmt: skip
    # The journal begins a second early, and another test of this factory may have published in that second.
    version_ids = {gift.version_id for gift in gifts}
    published = Counter(fact["subject"] for fact in facts if fact["type"] == PUBLISHED and fact["subject"] in ids)
    released = Counter(fact["subject"] for fact in facts if fact["type"] == RELEASED and fact["subject"] in version_ids)
    assert published == Counter(ids)
    assert released == Counter(version_ids)


def accepted(house: House, title: str) -> Gift:
    """Return a dataset that is released and could be published."""
    donation_id = house.draft(title)
    house.upload(donation_id, "data.txt", title.encode())
    gift = house.accept(donation_id)
    house.release(gift)
    return gift


AWAY_S = 20.0


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_without_its_database_it_says_so_and_goes_on_when_it_is_back(rough: Factory, tmp_path: Path) -> None:
    house = furnish(rough)
    data = random.Random(2).randbytes(48_000_000)
    gift = house.give({"series.bin": data})
    access = house.access("reader", gift)
    late = accepted(house, "published just before")
    began = now() - datetime.timedelta(seconds=1)
    process = rough.pid
    token = house.steward.transport.signed()
    stream = Stream(access, "series.bin", 1_500_000)
    wait.until_sync(lambda: stream.received > 1_000_000, seconds=20, what="the download runs")

    house.steward.datasets.publish(late.dataset_id)
    rough.stop_database()
    stopped = time.time()
    question = {"version_id": gift.version_id, "project_id": access.project_id, "action": "read", "purpose": "research"}
    calls = [
        ("GET", "/api/v1/me", None),
        ("GET", "/api/v1/datasets", None),
        ("GET", f"/api/v1/datasets/{gift.dataset_id}", None),
        ("GET", f"/api/v1/versions/{gift.version_id}/files/series.bin", None),
        ("POST", "/api/v1/decisions", question),
        ("POST", f"/api/v1/datasets/{late.dataset_id}/publication", None),
        ("POST", f"/api/v1/donations/{gift.donation_id}/submission", None),
    ]
    rounds = 0

    def still_away() -> bool:
        nonlocal rounds
        rounds += 1
        for method, path, body in calls:
            asked = time.time()
            answer = httpx.request(method, rough.address + path, json=body, headers=token, timeout=30)
            what = (method, path, answer.text)
            assert answer.status_code == 503, what
            assert answer.headers["content-type"] == "application/problem+json", what
            assert answer.json()["code"] == "unavailable", what
            assert int(answer.headers["retry-after"]) > 0
            assert time.time() - asked < 15, what
        failing = rough.readiness()
        assert failing is not None
        assert "database" in failing
        assert httpx.get(f"{rough.address}/healthz", timeout=10).status_code == 200
        return time.time() > stopped + AWAY_S

    wait.until_sync(still_away, seconds=AWAY_S + 60, every=0.5, what="the time without a database")
    assert rounds > 2
    assert stream.short, "nobody says that the lease holds, so the stream ends"
    assert stream.ended is not None
    assert stream.ended - stopped < 12
    rough.start_database()

    wait.until_sync(lambda: rough.readiness() == {}, seconds=30, every=0.2, what="everything is ready again")
    assert rough.pid == process
    newer = house.give({"small.txt": b"after"})
    assert house.person("reader").decisions.evaluate(access.ask).permit
    again = house.permitted("reader", access.project_id, access.grant_id, gift)
    again.client.downloads.fetch("series.bin", again.permits(), tmp_path / "series.bin", sha256=sha256(data))
    facts = journal(
        house.operator, began, [PUBLISHED],
        until=lambda facts: {late.dataset_id, newer.dataset_id} <= {fact["subject"] for fact in facts},
    )  # fmt: skip
    counted = Counter(fact["subject"] for fact in facts)
    assert (counted[late.dataset_id], counted[newer.dataset_id]) == (1, 1)
    waiting = httpx.get(f"{rough.address}/metrics", timeout=10).text
    assert 'factory_outbox_waiting{service="catalog"} 0.0' in waiting
    assert 'factory_outbox_waiting{service="access"} 0.0' in waiting
