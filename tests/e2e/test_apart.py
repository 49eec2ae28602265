"""The same factory with each part in a process of its own, on the same state: `python -m services catalog`, …"""

from collections.abc import Iterator

import httpx
import pytest

from tests.e2e.test_demo import DIGITS, FIRST_CODES
from tests.support.factory import Factory

LARGE = 300_000_000
"""Enough that the second download still runs 15 seconds after the revocation of the first."""


@pytest.fixture(scope="module")
def stopped(factory: Factory) -> Factory:
    """The demo's factory, stopped as `make down` stops it."""
    factory.down()
    return factory


@pytest.fixture(scope="module")
def apart(stopped: Factory) -> Iterator[Factory]:
    """The same state, run by separate processes."""
    with stopped.apart():
        yield stopped


def test_down_leaves_no_process_behind(stopped: Factory) -> None:
    assert stopped.processes() == {}
    assert '"event": "stopped"' in stopped.log().splitlines()[-1], "it let go of everything in order"
    assert not (stopped.data / "address").exists()
    assert "not running" in stopped.command("down").stdout


@pytest.mark.slow
def test_each_part_is_a_process(apart: Factory) -> None:
    running = {name for name, process in apart.parts.items() if process.poll() is None}
    assert running == {"identity", "access", "catalog", "deid", "annotation", "gateway"}
    ready = httpx.get(f"{apart.address}/readyz", timeout=30)
    assert (ready.status_code, ready.json()["failing"]) == (200, {})


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_demo_passes_there_too_and_goes_on_with_what_is_there(apart: Factory) -> None:
    """On the state of an earlier demo, whose operator is who they were."""
    operator = apart.person("operator").partners.me()
    assert "operator" in [role["role"] for role in operator["roles"]]
    assert apart.operator_secret() == ""

    done, report = apart.demo("--big-bytes", str(LARGE))
    assert done.returncode == 0, done.stdout + done.stderr
    assert report["ok"] is True
    figures = report["figures"]
    assert set(figures["denied_codes"]) == FIRST_CODES
    assert [len(codes) for codes in figures["codes_after_each_cure"]] == [3, 2, 1, 0]
    assert figures["permit_after"] is True
    assert figures["revoke_to_stream_end_s"] < 10
    assert figures["revoke_to_url_dead_s"] < 10
    assert figures["replay_differences"] == 0
    assert (figures["files"], figures["bytes"] > LARGE) == (DIGITS + 2, True)


@pytest.mark.slow
def test_nothing_has_failed_in_any_process(apart: Factory) -> None:
    """Nor had it in the one process before: a refusal, or a stream that was ended, is no error."""
    assert {name for name in apart.parts if apart.log(name)} >= {"access", "catalog", "gateway"}
    failed = [line for line in apart.complaints() if '"level": "error"' in line or "Traceback" in line]
    assert failed == []
