"""Fixtures of the tests of access."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from tests.access.support import World, running_access
from tests.support.clock import ManualClock
from tests.support.postgres import TestPostgres


@pytest.fixture
async def world(postgres: TestPostgres, tmp_path: Path, clock: ManualClock) -> AsyncGenerator[World]:
    """A running access on an empty database."""
    async with running_access(postgres, tmp_path, clock) as world:
        yield world
