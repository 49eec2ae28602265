"""A catalogue for each test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.catalog.support import World, catalog_world
from tests.support.clock import ManualClock
from tests.support.postgres import TestPostgres


@pytest.fixture
async def world(postgres: TestPostgres, tmp_path: Path, clock: ManualClock) -> AsyncIterator[World]:
    """A catalogue on a fresh database, whose workers work when the test says so."""
    async with catalog_world(postgres, tmp_path, clock) as world:
        yield world
