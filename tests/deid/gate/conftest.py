"""Preparation with finished runs, for each test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.deid.gate.support import World, gate_world
from tests.support.clock import ManualClock
from tests.support.postgres import TestPostgres


@pytest.fixture
async def world(postgres: TestPostgres, tmp_path: Path, clock: ManualClock) -> AsyncIterator[World]:
    """Preparation on a fresh database, and a catalogue that we play."""
    async with gate_world(postgres, tmp_path, clock) as world:
        yield world
