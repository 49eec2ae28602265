"""Uploads arrive whole, go on after a lost connection or in another process, and small files travel in bundles."""

import io
import zipfile
from pathlib import Path

import pytest
from datafactory import Client, UploadRefused
from datafactory import uploads as uploads_module
from datafactory.bundles import UnfitFolder, pack, scan, sha256_of, write_bundle

from tests.clients.fake_factory import FakeFactory


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of small files and a large one."""
    root = tmp_path / "data"
    (root / "bilder").mkdir(parents=True)
    for number in range(20):
        (root / "bilder" / f"å{number:02d}.txt").write_text(f"number {number}", encoding="utf-8")
    (root / "large.bin").write_bytes(bytes(range(256)) * 20_000)  # 5.12 MB: above the size of small files
    return root


def arrived(fake: FakeFactory) -> dict[str, bytes]:
    """Return every file that arrived, with the bundles unpacked."""
    files: dict[str, bytes] = {}
    for upload in fake.uploads.values():
        if upload.unpack == "zip":
            with zipfile.ZipFile(io.BytesIO(bytes(upload.data))) as archive:
                files |= {name: archive.read(name) for name in archive.namelist()}
        else:
            files[upload.path] = bytes(upload.data)
    return files


def test_a_folder_arrives_whole(fake: FakeFactory, client: Client, folder: Path) -> None:
    sent = client.uploads.send_folder("donation-1", folder)
    assert len(sent) == 2
    expected = {file.path: file.source.read_bytes() for file in scan(folder)}
    assert arrived(fake) == expected
    assert [u["state"] for u in client.uploads.wait_stored("donation-1")] == ["stored", "stored"]


def test_an_upload_goes_on_after_a_lost_connection(
    fake: FakeFactory, client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads_module, "CHUNK", 100_000)
    source = tmp_path / "one.bin"
    source.write_bytes(bytes(range(250)) * 2_000)
    fake.cut_patch_after, fake.cuts_left = 30_000, 3
    seen: list[int] = []
    client.uploads.send("donation-1", "one.bin", source, on_progress=lambda name, done, total: seen.append(done))
    (upload,) = fake.uploads.values()
    assert bytes(upload.data) == source.read_bytes()
    assert len(fake.requests("HEAD", "/api/v1/uploads/.*")) == 4  # at the start, and after each of three cuts
    assert seen[-1] == 500_000


def test_an_upload_out_of_step_asks_where_it_is(fake: FakeFactory, client: Client, tmp_path: Path) -> None:
    source = tmp_path / "one.bin"
    source.write_bytes(b"abcdef")
    made = client.uploads.create("donation-1", "one.bin", 6, sha256_of(source))
    fake.uploads[made["id"]].data += b"abc"  # an earlier PATCH arrived, but its answer was lost
    client.uploads.append(made["upload_url"], source, 6)
    assert bytes(fake.uploads[made["id"]].data) == b"abcdef"


def test_another_process_goes_on_with_the_same_uploads(
    fake: FakeFactory, client: Client, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads_module, "CHUNK", 1_000_000)
    # The connection is lost so often that the first process gives up, with a part of the large file over there.
    fake.cut_patch_after, fake.cuts_left = 0, 10_000
    with pytest.raises(Exception, match="did not get on"):
        client.uploads.send_folder("donation-1", folder, parallel=1)
    before = set(fake.uploads)
    assert before
    fake.cuts_left = 0
    with Client(fake.base_url, client.transport.credentials) as second:
        second.uploads.send_folder("donation-1", folder, parallel=1)
        assert before <= set(fake.uploads)
        assert len(fake.uploads) == 2  # none was begun twice
        second.uploads.wait_stored("donation-1")
    assert arrived(fake).keys() == {file.path for file in scan(folder)}


def test_the_memory_of_an_upload_is_private_and_goes_when_all_is_stored(
    fake: FakeFactory, client: Client, folder: Path, home: Path
) -> None:
    client.uploads.send_folder("donation-1", folder)
    (kept,) = (home / "xdg_state_home" / "datafactory" / "uploads").glob("*.json")
    assert kept.stat().st_mode & 0o077 == 0
    client.uploads.wait_stored("donation-1")
    assert not kept.exists()


def test_an_upload_that_is_gone_over_there_begins_anew(fake: FakeFactory, client: Client, folder: Path) -> None:
    client.uploads.send_folder("donation-1", folder)
    fake.uploads.clear()
    client.uploads.send_folder("donation-1", folder)
    assert arrived(fake).keys() == {file.path for file in scan(folder)}


def test_a_refused_file_is_named_with_its_reason(fake: FakeFactory, client: Client, tmp_path: Path) -> None:
    source = tmp_path / "one.bin"
    source.write_bytes(b"abc")
    client.uploads.send("donation-1", "one.bin", source, sha256="0" * 64)
    with pytest.raises(UploadRefused, match=r"one\.bin: digest-mismatch"):
        client.uploads.wait_stored("donation-1")


def test_bundles_are_the_same_bytes_each_time(folder: Path, tmp_path: Path) -> None:
    digests = set[str]()
    for number in (1, 2):
        (bundle,), _ = pack(scan(folder))
        write_bundle(bundle, tmp_path / f"{number}.zip")
        digests.add(sha256_of(tmp_path / f"{number}.zip"))
        (folder / "bilder" / "å00.txt").touch()  # only the time of change differs
    assert len(digests) == 1


def test_bundles_keep_to_their_limit(folder: Path, tmp_path: Path) -> None:
    bundles, alone = pack(scan(folder), small=1000, limit=3000)
    assert len(bundles) > 2
    for bundle in bundles:
        write_bundle(bundle, tmp_path / bundle.path)
        assert (tmp_path / bundle.path).stat().st_size <= 3000
    packed = [file.path for bundle in bundles for file in bundle.files]
    assert sorted([*packed, *(file.path for file in alone)]) == [file.path for file in scan(folder)]


def test_a_bundle_takes_no_name_of_a_file(tmp_path: Path) -> None:
    for name in ("bundle-0001.zip", "a.txt"):
        (tmp_path / name).write_text("x")
    (bundle,), alone = pack(scan(tmp_path))
    assert bundle.path == "bundle-0002.zip"
    assert not alone


def test_links_are_not_followed(folder: Path) -> None:
    (folder / "link").symlink_to("/etc/passwd")
    with pytest.raises(UnfitFolder, match="link"):
        scan(folder)


def test_names_that_are_one_after_normalisation_are_refused(folder: Path) -> None:
    (folder / "bilder" / "a\u030a00.txt").write_text("the same name, written another way")
    with pytest.raises(UnfitFolder, match="two files"):
        scan(folder)


def test_an_empty_folder_is_no_donation(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(UnfitFolder, match="no files"):
        scan(tmp_path / "empty")
