"""How long a run will still take: honest from the first files on, for mixtures of cheap and dear ones."""

import pytest

from services.deid.runs.progress import Estimate


def test_nothing_is_known_before_a_file_is_done() -> None:
    assert Estimate({"text": (10, 1000)}, 2).seconds_left(1.0) is None


@pytest.mark.parametrize("workers", [1, 2, 8])
def test_even_work_is_reckoned_right(workers: int) -> None:
    estimate = Estimate({"text": (100, 100_000)}, workers)
    for n in range(1, 100):
        estimate.done("text", 1000, 0.5)
        elapsed = n * 0.5 / workers
        left = estimate.seconds_left(elapsed)
        assert left == pytest.approx((100 - n) * 0.5 / workers, rel=0.01)


def test_each_sort_of_work_is_reckoned_by_itself() -> None:
    # A hundred texts at 10 ms come first, then twenty pictures at 2 s.
    estimate = Estimate({"text": (100, 100_000), "image": (20, 2_000_000)}, 1)
    elapsed = 0.0
    for _ in range(100):
        estimate.done("text", 1000, 0.01)
        elapsed += 0.01
    for _ in range(2):
        estimate.done("image", 100_000, 2.0)
        elapsed += 2.0
    assert estimate.seconds_left(elapsed) == pytest.approx(36, rel=0.1)


def test_idle_workers_make_it_longer() -> None:
    # One file a second is all the catalogue gives, whatever the workers could do.
    estimate = Estimate({"text": (100, 100_000)}, 4)
    for _ in range(10):
        estimate.done("text", 1000, 0.1)
    assert estimate.seconds_left(10.0) == pytest.approx(90, rel=0.01)


def test_costs_follow_what_the_files_turn_out_to_take() -> None:
    estimate = Estimate({"text": (1000, 1_000_000)}, 1)
    elapsed = 0.0
    for seconds in [0.01] * 100 + [1.0] * 200:
        estimate.done("text", 1000, seconds)
        elapsed += seconds
    left = estimate.seconds_left(elapsed)
    assert left is not None and left == pytest.approx(700, rel=0.1)
