"""The house that these tests live in."""

from collections.abc import AsyncGenerator

import pytest

from tests.access.admission.house import House, open_house
from tests.access.support import World


@pytest.fixture
async def house(world: World) -> AsyncGenerator[House]:
    """A running access with everyone in it; see `House`."""
    async with open_house(world) as house:
        yield house
