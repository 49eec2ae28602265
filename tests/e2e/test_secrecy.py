"""What partners donate can be read nowhere under the data folder, and nobody learns of it before it is published."""

import asyncio
import base64
import hashlib
import secrets
import unicodedata
from pathlib import Path

import httpx
import pytest
from datafactory.downloads import PERMIT_HEADER, file_url

from tests.e2e.house import House, furnish, patch, refusal, zipped
from tests.e2e.traces import everything_in_databases, everything_under, spellings, traces
from tests.support.factory import Factory


@pytest.mark.parametrize("how", spellings(b"mk0123456789abcdef"))
def test_the_search_finds_what_is_there(how: str, tmp_path: Path) -> None:
    """A deliberately bad folder: a marker in any spelling is found, in whatever surrounds it."""
    marker = b"mk" + secrets.token_hex(16).encode()
    needle = spellings(marker)
    assert traces(everything_under(tmp_path), needle) == []
    written = needle[how] if "base64" not in how else base64.b64encode(b"x" * (3 + int(how[-1])) + marker + b"yyyy")
    (tmp_path / "log").write_bytes(secrets.token_bytes(1000) + written + secrets.token_bytes(1000))
    assert traces(everything_under(tmp_path), needle) == [f"{tmp_path / 'log'}: {how}"]
    (tmp_path / marker.decode()).mkdir()
    assert len(traces(everything_under(tmp_path), {"utf-8": marker})) == (2 if how == "utf-8" else 1)


@pytest.fixture
def marker() -> bytes:
    """34 letters and digits that occur nowhere by chance."""
    return b"mk" + secrets.token_hex(16).encode()


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_marker_in_data_names_and_manifests_occurs_nowhere(rough: Factory, marker: bytes) -> None:
    house = furnish(rough)
    word = marker.decode()
    names = {
        "plain": f"{word}.csv",
        "non-ascii": f"mätningar/Ångström-{word}-é.txt",
        "decomposed": unicodedata.normalize("NFD", f"å/{word}-ö.txt"),
        "script": f"数据/{word}.json",
    }
    digests: list[bytes] = []
    donated = 0
    donation_id = house.draft()
    for number, name in enumerate(names.values()):
        data = (marker + b"\n") * (2_000 * number + 1) + marker.decode().encode("utf-16-le")
        house.upload(donation_id, name, data)
        digests.append(hashlib.sha256(data).digest())
        donated += len(data)
    inside = {f"{word}/{number}.txt": marker * (number + 1) for number in range(20)}
    house.upload(donation_id, f"archive-{word}.zip", zipped(inside), unpack="zip")
    donated += sum(len(data) for data in inside.values())
    digests += [hashlib.sha256(data).digest() for data in inside.values()]

    # Refusals know the names too.
    twice = refusal(lambda: house.upload(donation_id, names["plain"], marker))
    assert twice.code == "path-taken"
    assert refusal(lambda: house.upload(donation_id, f"../{word}", marker)).status == 422
    refused = house.draft("One that is refused")
    bad = house.upload(refused, f"bad-{word}.zip", zipped({f"../{word}": marker}), unpack="zip")
    broken = house.begin_upload(refused, f"other-{word}.bin", marker * 50)
    patch(house.donor, broken["upload_url"], 0, marker.upper() * 50)

    gift = house.accept(donation_id)
    receipt = house.donor.donations.receipt(donation_id)
    assert {unicodedata.normalize("NFC", name) for name in names.values()} <= {f["path"] for f in receipt["files"]}
    house.release(gift)
    house.steward.datasets.publish(gift.dataset_id)
    access = house.access("reader", gift)
    assert list(access.client.datasets.files(gift.version_id))
    token = {**access.client.transport.signed(), PERMIT_HEADER: str(access.decision.permit_token)}
    for name, status in ((names["non-ascii"], 200), (names["plain"], 200), (f"no-{word}", 404)):
        answer = httpx.get(rough.address + file_url(gift.version_id, name), headers=token, timeout=30)
        assert answer.status_code == status
    assert httpx.get(f"{rough.address}/api/v1/{word}?{word}={word}", headers=token, timeout=30).status_code == 404

    # One upload is only half here, one waits for its donation to be submitted.
    open_draft = house.draft("Half of one")
    half = house.begin_upload(open_draft, f"half-{word}.bin", marker * 100_000)
    half_sent = patch(house.donor, half["upload_url"], 0, marker * 50_000)
    states = {u["id"]: u["state"] for u in house.donor.uploads.of(open_draft)}
    assert states == {half["id"]: "open"}
    for upload in (bad, broken):
        house.wait_refused(refused, str(upload["id"]))

    stored = sum(
        f.stat().st_size for name in ("objects", "spool") for f in (rough.data / name).rglob("*") if f.is_file()
    )
    assert stored >= donated + half_sent
    rows = asyncio.run(everything_in_databases(rough))
    assert any(b"published" in text for _, text in rows), "the tables were read"
    needles = spellings(marker)
    for number, digest in enumerate(digests):
        needles |= {f"digest {number} in hex": digest.hex().encode(), f"digest {number}": digest}
    assert traces(iter(rows), needles) == []
    assert traces(everything_under(rough.data), needles) == []
    assert "serving" in rough.log(), "the log was read"


@pytest.mark.slow
@pytest.mark.timeout(200)
def test_before_publication_a_dataset_does_not_exist_for_others(rough: Factory) -> None:
    house = furnish(rough)
    word = f"Hemligheten{secrets.token_hex(6)}"
    donation_id = house.draft(f"{word} och annat")
    made = house.upload(donation_id, "data.txt", b"not yet")
    outsiders = house.partner("Utanför AB")
    house.researcher("outsider", outsiders)
    house.researcher("researcher")
    project_id = house.project("researcher")

    def unseen(name: str, method: str, path: str, body: object = None) -> None:
        headers = house.person(name).transport.signed(TUS if path == made["upload_url"] else None)
        answer = httpx.request(method, rough.address + path, json=body, headers=headers, timeout=30)
        assert answer.status_code == 404, (name, method, path, answer.text)

    of_donation = [
        ("GET", f"/api/v1/donations/{donation_id}"),
        ("GET", f"/api/v1/donations/{donation_id}/uploads"),
        ("GET", f"/api/v1/donations/{donation_id}/receipt"),
        ("POST", f"/api/v1/donations/{donation_id}/submission"),
        ("HEAD", made["upload_url"]),
        ("DELETE", made["upload_url"]),
        ("PATCH", made["upload_url"]),
    ]
    for name in ("outsider", "researcher"):
        for method, path in of_donation:
            unseen(name, method, path)
        assert house.person(name).donations.all() == []
    assert next(u["state"] for u in house.donor.uploads.of(donation_id) if u["id"] == made["id"]) != "open"

    gift = house.accept(donation_id)
    for released in (False, True):
        if released:
            house.release(gift)
        for name in ("outsider", "researcher"):
            for path in of_dataset(gift.dataset_id, gift.version_id):
                unseen(name, "GET", path)
            unseen(name, "HEAD", f"/api/v1/versions/{gift.version_id}/files/data.txt")
            unseen(name, "POST", f"/api/v1/datasets/{gift.dataset_id}/publication")
            unseen(name, "POST", f"/api/v1/versions/{gift.version_id}/release", {"reasons": "I would like to."})
            assert found(house, name, word) == []
        assert found(house, "steward", word) == [gift.dataset_id]
        ask = {"version_id": gift.version_id, "project_id": project_id, "action": "read", "purpose": "research"}
        asked = httpx.post(
            f"{rough.address}/api/v1/decisions",
            json=ask,
            headers=house.person("researcher").transport.signed(),
            timeout=30,
        )
        assert asked.status_code == 404 or asked.json()["permit"] is False

    house.steward.datasets.publish(gift.dataset_id)
    for name in ("outsider", "researcher"):
        assert found(house, name, word) == [gift.dataset_id]


TUS = {"Tus-Resumable": "1.0.0", "Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}


def of_dataset(dataset_id: str, version_id: str) -> list[str]:
    return [
        f"/api/v1/datasets/{dataset_id}",
        f"/api/v1/datasets/{dataset_id}/versions",
        f"/api/v1/versions/{version_id}",
        f"/api/v1/versions/{version_id}/files",
        f"/api/v1/versions/{version_id}/files/data.txt",
        f"/api/v1/versions/{version_id}/lineage",
    ]


def found(house: House, name: str, words: str) -> list[str]:
    return [str(dataset["id"]) for dataset in house.person(name).datasets.find(words)]
