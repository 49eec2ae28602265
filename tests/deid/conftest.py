"""Preparation for each test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.deid.support import World, deid_world
from tests.support.clock import ManualClock
from tests.support.postgres import TestPostgres


@pytest.fixture
async def world(postgres: TestPostgres, tmp_path: Path, clock: ManualClock) -> AsyncIterator[World]:
    """Preparation on a fresh database, whose workers work when the test says so."""
    async with deid_world(postgres, tmp_path, clock) as world:
        yield world
