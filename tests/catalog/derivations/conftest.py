"""A donated version about people, and the service that prepares it."""

import pytest

from tests.catalog.derivations.maker import Derived, Maker
from tests.catalog.support import World

FILES = {
    "a/1.txt": b"Anna",
    "a/2.txt": b"Bo",
    "b.csv": b"x,y\n1,2\n",
    "empty.txt": b"",
    "big.bin": bytes(range(256)) * 9000,
}


@pytest.fixture
def deid(world: World) -> Maker:
    """The service that prepares."""
    return Maker(world, "deid")


@pytest.fixture
def annotation(world: World) -> Maker:
    """The service that annotates."""
    return Maker(world, "annotation")


@pytest.fixture
async def parent(world: World) -> str:
    """A raw version with personal data."""
    return await world.accept(await world.submitted(FILES, personal_data="yes"))


@pytest.fixture
async def derived(world: World, deid: Maker, parent: str) -> Derived:
    """A derivation of it that a steward has opened."""
    return await deid.opened(world.steward, parent)
