"""Order and factories of the end-to-end tests: the demo comes first, and starts what the others go on with."""

import tempfile
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from tests.e2e.house import House, furnish
from tests.support.factory import Factory

ORDER = (
    "test_demo",
    "test_ends",
    "test_concurrency",
    "test_matrix",
    "test_apart",
    "test_crash",
    "test_secrecy",
    "test_prepared_secrecy",
)
"""The demo is told first. Those that share its factory follow; `test_apart` stops it and starts its parts."""

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the end-to-end tests in their order, at the places where pytest has put them."""
    places = [number for number, item in enumerate(items) if item.path.parent == HERE]
    ours = [items[number] for number in places]
    ours.sort(key=lambda item: ORDER.index(item.path.stem) if item.path.stem in ORDER else len(ORDER))
    for number, item in zip(places, ours, strict=True):
        items[number] = item


@pytest.fixture(scope="session")
def folder() -> Iterator[Path]:
    """A short path: PostgreSQL's socket lies in the data folder, and socket paths are short."""
    with tempfile.TemporaryDirectory(prefix="df-e2e-", ignore_cleanup_errors=True) as made:
        yield Path(made)


@pytest.fixture(scope="session")
def factory(folder: Path) -> Iterator[Factory]:
    """The factory of the demo, all in one process, as `make up` starts it."""
    factory = Factory(folder / "one")
    factory.up()
    yield factory
    factory.down()


@pytest.fixture(scope="session")
def rough(folder: Path) -> Iterator[Factory]:
    """A factory that is treated badly; whoever uses it leaves it running."""
    factory = Factory(folder / "two")
    factory.up()
    yield factory
    factory.down()


@pytest.fixture
def house(factory: Factory) -> House:
    """Partners, people and roles in the demo's factory, new for each test."""
    return furnish(factory)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show with a test that fails what its factory has complained of."""
    report = yield
    if report.failed:
        for value in getattr(item, "funcargs", {}).values():
            factory = value.factory if isinstance(value, House) else value
            if isinstance(factory, Factory):
                report.sections.append(("the factory's complaints", "\n".join(factory.complaints()[-20:])))
                break
    return report
