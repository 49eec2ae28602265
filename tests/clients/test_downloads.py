"""Downloads go on after a lost connection, are checked by digest, end with reasons, and stay in their folder."""

import hashlib
import json
import time
from pathlib import Path

import pytest
from datafactory import Ask, Client, Denied, DigestMismatch, StreamEnded
from datafactory.downloads import Permits, safe_target

from tests.clients.fake_factory import FakeFactory

ASK = Ask("version-1", "project-1", "read", "research/applied")
DATA = bytes(range(256)) * 4000


@pytest.fixture
def permits(fake: FakeFactory, client: Client) -> Permits:
    """Permits for a version with one file."""
    fake.files["mapp/fil å.bin"] = DATA
    return client.downloads.permits(ASK)


def sha(data: bytes) -> str:
    """Return the digest of some bytes."""
    return hashlib.sha256(data).hexdigest()


def test_a_file_is_put_in_place_whole(client: Client, permits: Permits, tmp_path: Path) -> None:
    target = tmp_path / "out" / "fil.bin"
    client.downloads.fetch("mapp/fil å.bin", permits, target, sha256=sha(DATA))
    assert target.read_bytes() == DATA
    assert [path.name for path in target.parent.iterdir()] == ["fil.bin"]


def test_one_permit_serves_many_files(fake: FakeFactory, client: Client, permits: Permits, tmp_path: Path) -> None:
    for number in range(3):
        client.downloads.fetch("mapp/fil å.bin", permits, tmp_path / str(number))
    assert len(fake.requests("POST", "/api/v1/decisions")) == 1


def test_a_lost_connection_is_gone_on_with(fake: FakeFactory, client: Client, permits: Permits, tmp_path: Path) -> None:
    fake.cut_download_after, fake.cuts_left = 300_000, 3
    client.downloads.fetch("mapp/fil å.bin", permits, tmp_path / "fil", sha256=sha(DATA))
    assert (tmp_path / "fil").read_bytes() == DATA
    asked = fake.requests("GET", "/api/v1/versions/version-1/files/.*")
    assert [seen.headers.get("Range") for seen in asked] == [None, "bytes=300000-", "bytes=600000-", "bytes=900000-"]
    assert all(seen.headers.get("If-Range") for seen in asked[1:])


def test_another_process_goes_on_where_the_first_was(
    fake: FakeFactory, client: Client, permits: Permits, tmp_path: Path
) -> None:
    (tmp_path / ".fil.part").write_bytes(DATA[:1000])
    note = {"version": "version-1", "path": "mapp/fil å.bin", "etag": f'"{sha(DATA)[:16]}"'}
    (tmp_path / ".fil.part.json").write_text(json.dumps(note))
    client.downloads.fetch("mapp/fil å.bin", permits, tmp_path / "fil", sha256=sha(DATA))
    (asked,) = fake.requests("GET", "/api/v1/versions/version-1/files/.*")
    assert asked.headers["Range"] == "bytes=1000-"
    assert (tmp_path / "fil").read_bytes() == DATA


def test_a_file_that_changed_over_there_begins_anew(
    fake: FakeFactory, client: Client, permits: Permits, tmp_path: Path
) -> None:
    (tmp_path / ".fil.part").write_bytes(b"of another version")
    note = {"version": "version-1", "path": "mapp/fil å.bin", "etag": '"old"'}
    (tmp_path / ".fil.part.json").write_text(json.dumps(note))
    client.downloads.fetch("mapp/fil å.bin", permits, tmp_path / "fil", sha256=sha(DATA))
    assert (tmp_path / "fil").read_bytes() == DATA


def test_wrong_bytes_are_not_put_in_place(fake: FakeFactory, client: Client, permits: Permits, tmp_path: Path) -> None:
    fake.wrong_bytes = True
    with pytest.raises(DigestMismatch):
        client.downloads.fetch("mapp/fil å.bin", permits, tmp_path / "fil", sha256=sha(DATA))
    assert list(tmp_path.glob("*fil*")) == []


def test_a_stream_cut_by_a_revocation_says_why(fake: FakeFactory, client: Client, permits: Permits) -> None:
    fake.cut_download_after, fake.cuts_left = 100_000, 1
    received = 0
    with pytest.raises(StreamEnded) as caught:
        for piece in client.downloads.stream("mapp/fil å.bin", permits):
            received += len(piece)
            fake.denied = ["grant-revoked", "agreement-unsigned"]
    assert caught.value.codes == ["grant-revoked", "agreement-unsigned"]
    assert caught.value.received == received == 100_000
    assert caught.value.expected == len(DATA)


def test_a_revoked_download_is_not_tried_again(
    fake: FakeFactory, client: Client, permits: Permits, tmp_path: Path
) -> None:
    permits.token()
    fake.cut_download_after, fake.cuts_left = 100_000, 1

    def revoke(name: str, done: int, total: int) -> None:
        fake.denied = ["grant-revoked"]

    with pytest.raises(StreamEnded):
        client.downloads.fetch("mapp/fil å.bin", permits, tmp_path / "fil", on_progress=revoke)
    assert not (tmp_path / "fil").exists()
    assert len(fake.requests("GET", "/api/v1/versions/version-1/files/.*")) == 1


def test_no_permit_no_download(fake: FakeFactory, client: Client, permits: Permits, tmp_path: Path) -> None:
    fake.denied = ["course-not-valid"]
    with pytest.raises(Denied) as caught:
        client.downloads.fetch("mapp/fil å.bin", permits, tmp_path / "fil")
    assert caught.value.codes == ["course-not-valid"]
    assert not fake.requests("GET", "/api/v1/versions/.*")


def test_a_rate_is_kept(client: Client, permits: Permits) -> None:
    began = time.monotonic()
    received = sum(len(piece) for piece in client.downloads.stream("mapp/fil å.bin", permits, rate=4_000_000))
    assert received == len(DATA)
    assert time.monotonic() - began > 0.2  # 1 MB at 4 MB/s is a quarter of a second


def test_an_empty_file_arrives(fake: FakeFactory, client: Client, permits: Permits, tmp_path: Path) -> None:
    fake.files["empty"] = b""
    client.downloads.fetch("empty", permits, tmp_path / "empty", sha256=sha(b""), size=0)
    assert (tmp_path / "empty").read_bytes() == b""


@pytest.mark.parametrize("path", ["../up", "a/../../up", "/etc/passwd", "", "..", "c:\\x", "a\0b"])
def test_no_file_leaves_its_folder(path: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"leave|null"):
        safe_target(tmp_path, path)


def test_a_link_in_the_folder_leads_nowhere_else(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "link").symlink_to(tmp_path)
    with pytest.raises(ValueError, match="leave"):
        safe_target(tmp_path / "out", "link/file")
