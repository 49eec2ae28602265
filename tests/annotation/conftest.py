"""An annotation service for each test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.annotation.support import World, annotation_world
from tests.support.clock import ManualClock
from tests.support.postgres import TestPostgres


@pytest.fixture
async def world(postgres: TestPostgres, tmp_path: Path, clock: ManualClock) -> AsyncIterator[World]:
    """An annotation service on a fresh database, whose workers work when the test says so."""
    async with annotation_world(postgres, tmp_path, clock) as world:
        yield world
