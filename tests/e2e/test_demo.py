"""`make demo`, figure by figure: the chain on a fresh state, told by an outsider."""

import pytest

from tests.support.factory import DEMO_PYTHON, Factory

FIRST_CODES = {"purpose-not-permitted", "course-not-valid", "grant-absent", "agreement-unsigned"}
IN_ORDER = ["purpose-not-permitted", "course-not-valid", "grant-absent", "agreement-unsigned"]
LARGE = 1_000_000_000
DIGITS = 1797


def test_the_demos_environment_is_an_outsiders() -> None:
    """`make test` sets it up; the demo itself refuses to run where it can import the services."""
    assert DEMO_PYTHON.exists(), "run `make setup`"


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_demo_tells_the_chain_on_a_fresh_state(factory: Factory) -> None:
    done, report = factory.demo()
    assert done.returncode == 0, done.stdout + done.stderr
    assert report["schema"] == 1
    assert report["ok"] is True
    assert report["seconds"] > 0
    assert all({"name", "actor", "seconds", "ids", "figures"} <= step.keys() for step in report["steps"])

    figures = report["figures"]
    assert len(figures["denied_codes"]) == len(FIRST_CODES)
    assert set(figures["denied_codes"]) == FIRST_CODES
    left = [set(codes) for codes in figures["codes_after_each_cure"]]
    assert [len(codes) for codes in left] == [3, 2, 1, 0]
    removed = [before - after for before, after in zip([FIRST_CODES, *left[:-1]], left, strict=True)]
    added = [after - before for before, after in zip([FIRST_CODES, *left[:-1]], left, strict=True)]
    assert removed == [{code} for code in IN_ORDER]
    assert added == [set(), set(), set(), set()]
    assert figures["permit_after"] is True
    assert 0 < figures["revoke_to_stream_end_s"] < 10
    assert 0 < figures["revoke_to_url_dead_s"] < 10
    assert figures["replayed_decisions"] >= 5
    assert figures["replay_differences"] == 0
    assert figures["files"] == DIGITS + 2
    assert figures["bytes"] > LARGE


def test_up_again_finds_it_running(factory: Factory) -> None:
    process, address = factory.pid, factory.address
    printed = factory.up()
    assert address in printed
    assert (factory.pid, factory.address) == (process, address)
