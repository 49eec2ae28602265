"""A fake factory, and a home of the test's own."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from datafactory import Client, StaticToken
from datafactory.transport import Transport

from tests.clients.fake_factory import FakeFactory, running


@pytest.fixture
def fake() -> Iterator[FakeFactory]:
    """A fake factory."""
    with running() as factory:
        yield factory


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of the test's own: nothing of the developer's sessions is read or written."""
    for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name.lower()))
    for name in ("FACTORY_URL", "FACTORY_TOKEN", "FACTORY_API_KEY", "FACTORY_CLIENT_ID", "FACTORY_LANG", "LC_ALL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANG", "C.UTF-8")
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path


@pytest.fixture
def waits() -> list[float]:
    """How long the client waited between tries, each time; nothing really waits."""
    return []


@pytest.fixture
def client(fake: FakeFactory, waits: list[float]) -> Iterator[Client]:
    """A client of the fake, signed in as "me", that does not really wait between tries."""
    token = str(fake.issue("me")["access_token"])
    transport = Transport(fake.base_url, StaticToken(token), sleep=waits.append)
    with Client(fake.base_url, None, transport=transport) as made:
        yield made
