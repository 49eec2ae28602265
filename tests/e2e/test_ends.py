"""A right ends in each of the ways there are, while its download runs: the stream ends short, its address is dead."""

import datetime
import random
import time
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from tests.e2e.house import Access, House, Stream
from tests.support import wait

LARGE = "series.bin"
SIZE = 64_000_000
RATE = 2_000_000
WITHIN_S = 10.0


@dataclass
class Ending:
    """One way for a right to end: who streams under it, how it ends, and how the address then answers."""

    stream: Stream
    end: Callable[[], object]
    status: int
    code: str
    reasons: list[str]
    began: float = 0.0


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_whatever_ends_a_right_ends_its_stream(house: House) -> None:
    data = random.Random(4).randbytes(SIZE)
    gift, other = (house.give({LARGE: data}, title=f"Series {number}") for number in (1, 2))
    visitors = house.partner("Visiting AB")
    house.researcher("visitor", visitors)
    house.researcher("lead")
    house.researcher("member")
    led = house.project("lead", members=["member"])
    visited = house.project("visitor", visitors)

    of_member = house.permitted("member", led, house.grant("lead", led, gift), gift)
    of_reader = house.access("reader", other)
    of_visitor = house.permitted("visitor", visited, house.grant("visitor", visited, gift), gift)
    of_other = house.access("revoked", gift)
    survivor = house.access("survivor", gift)
    until = datetime.datetime.now(datetime.UTC).replace(microsecond=0) + datetime.timedelta(seconds=12)
    of_passing = house.access("passing", gift, until=until)

    def stream(access: Access) -> Stream:
        return Stream(access, LARGE, RATE)

    endings = {
        "remove_member": Ending(
            stream(of_member),
            lambda: house.person("lead").projects.remove_member(led, house.user_id("member")),
            403, "permit-not-live", ["membership-ended"],
        ),
        "withdraw_dataset": Ending(
            stream(of_reader),
            lambda: house.donor.datasets.withdraw(other.dataset_id, "We were wrong to give it."),
            410, "dataset-withdrawn", [],
        ),
        "suspend_partner": Ending(
            stream(of_visitor),
            lambda: house.operator.transport.post(f"/api/v1/partners/{visitors}/suspension"),
            401, "token-invalid", [],  # a suspended partner's people are not let in at all
        ),
        "revoke_grant": Ending(
            stream(of_other),
            lambda: house.steward.requests.revoke(of_other.grant_id, "Taken back."),
            403, "permit-not-live", ["agreement-unsigned", "grant-revoked"],
        ),
        "a grant's end": Ending(
            stream(of_passing),
            lambda: None,
            403, "permit-not-live", ["agreement-unsigned", "grant-expired"],
        ),
    }  # fmt: skip
    alive = stream(survivor)
    streams = [alive, *(ending.stream for ending in endings.values())]
    try:
        wait.until_sync(lambda: all(s.received > RATE for s in streams), seconds=20, what="every stream runs")
        for name, ending in endings.items():
            ending.end()
            ending.began = until.timestamp() if name == "a grant's end" else time.time()

        for name, ending in endings.items():
            left = ending.began + WITHIN_S - time.time()
            wait.until_sync(
                lambda e=ending: e.stream.ended, seconds=max(left, 0.1), what=f"the end of a stream by {name}"
            )
            assert ending.stream.short, f"{name}: the stream came to its end"
            assert ending.stream.ended is not None
            assert ending.began - 1 < ending.stream.ended < ending.began + WITHIN_S, name
        for name, ending in endings.items():
            answer = ending.stream.ask_again()
            problem = answer.json()
            assert answer.headers["content-type"] == "application/problem+json"
            assert (name, answer.status_code, problem["code"]) == (name, ending.status, ending.code)
            assert problem.get("codes", []) == ending.reasons, name

        then = alive.received
        wait.until_sync(lambda: alive.received > then + RATE, seconds=10, what="the other stream goes on")
        assert alive.ended is None
        assert alive.ask_again().status_code == 206
    finally:
        for s in streams:
            s.stop()
