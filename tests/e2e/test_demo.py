"""`make demo`, figure by figure: the chain on a fresh state, told by an outsider."""

from typing import Any

import pytest

from tests.support.factory import DEMO_PYTHON, Factory

FIRST_CODES = {"purpose-not-permitted", "course-not-valid", "grant-absent", "agreement-unsigned"}
IN_ORDER = ["purpose-not-permitted", "course-not-valid", "grant-absent", "agreement-unsigned"]
LARGE = 1_000_000_000
DIGITS = 1797
PORTRAITS = 12


def test_the_demos_environment_is_an_outsiders() -> None:
    """`make test` sets it up; the demo itself refuses to run where it can import the services."""
    assert DEMO_PYTHON.exists(), "run `make setup`"


@pytest.mark.slow
@pytest.mark.timeout(1200)
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
    prepared_and_labelled(figures)


def prepared_and_labelled(figures: dict[str, Any]) -> None:
    """The folder about people came out as the issue asks, measured by the demo's own second implementations."""
    assert figures["planted"] > 5000
    assert figures["planted_left"] == 0
    assert figures["unplanted_tokens_changed_share"] < 0.02
    assert figures["person_tokens_treated_share"] >= 0.6
    assert len(figures["faces_before"]) == len(figures["faces_after_second_detector"]) == PORTRAITS
    assert all(found >= 1 for found in figures["faces_before"])
    assert not any(figures["faces_after_second_detector"])
    assert figures["outside_boxes_ssim"] >= 0.98
    assert figures["k_min"] >= 5
    assert figures["rows_kept_share"] >= 0.8
    assert figures["weak_recipe_refused"] is True
    assert "k-unknown" in figures["weak_recipe_refusals"]
    assert figures["gate_passed_by"] == "steward2"
    assert 0.5 < figures["campaign_alpha"] < 1


def test_up_again_finds_it_running(factory: Factory) -> None:
    process, address = factory.pid, factory.address
    printed = factory.up()
    assert address in printed
    assert (factory.pid, factory.address) == (process, address)
