"""Fixtures of every test. The run has state, keys and ports of its own; a developer's factory is never touched."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis.configuration import set_hypothesis_home_dir

from services.kit.settings import Settings
from services.kit.telemetry import configure_logging
from tests.support.clock import ManualClock
from tests.support.postgres import TestPostgres

# What Hypothesis remembers of earlier runs lies with all other state.
set_hypothesis_home_dir(Path(__file__).resolve().parents[1] / ".factory" / "cache" / "hypothesis")

# CI tries the same examples each time, so that it judges the change and not the draw; everybody else tries new ones.
settings.register_profile("ci", derandomize=True)
if os.environ.get("CI"):
    settings.load_profile("ci")


@pytest.fixture(scope="session")
def run_folder() -> Iterator[Path]:
    """A folder for this run, outside the checkout; XDG folders point into it."""
    with tempfile.TemporaryDirectory(prefix="factory-tests-", ignore_cleanup_errors=True) as folder:
        for name in ("XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME"):
            os.environ[name] = str(Path(folder) / name.lower())
        yield Path(folder)


@pytest.fixture(scope="session")
def postgres(run_folder: Path) -> Iterator[TestPostgres]:
    """The run's PostgreSQL."""
    server = TestPostgres(run_folder / "postgres")
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session", autouse=True)
def quiet_logs() -> None:
    """Log as the product does; pytest shows it with a failing test."""
    configure_logging(Settings())


@pytest.fixture
def clock() -> ManualClock:
    """A clock that the test moves."""
    return ManualClock()
