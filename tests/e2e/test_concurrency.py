"""Many at once, twice the same, and names as people and old disks write them: through the door, by the client."""

import json
import os
import secrets
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from datafactory.bundles import LocalFile, UnfitFolder, scan
from datafactory.errors import FactoryError

from tests.e2e.house import House, refusal, write

MANY = 50


def post(house: House, name: str, path: str, body: object, key: str) -> httpx.Response:
    headers = {**house.person(name).transport.signed(), "Idempotency-Key": key}
    return httpx.post(house.factory.address + path, json=body, headers=headers, timeout=60)


def project(house: House, name: str) -> dict[str, Any]:
    return {
        "name": name,
        "purpose": "research",
        "description": "Made by many at once.",
        "partner_ids": [house.university],
        "collaborative": False,
        "starts_on": "2026-01-01",
        "ends_on": "2036-01-01",
        "budget_sek": "10.00",
        "ethics_approval": None,
    }


@pytest.mark.slow
def test_fifty_identical_posts_with_one_key_make_one_project(house: House) -> None:
    house.researcher("lead")
    body, key = project(house, f"Once {house.run}"), secrets.token_hex(8)
    with ThreadPoolExecutor(MANY) as pool:
        answers = list(pool.map(lambda _: post(house, "lead", "/api/v1/projects", body, key), range(MANY)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert len({answer.content for answer in answers}) == 1
    assert [p["name"] for p in house.person("lead").projects.all()] == [body["name"]]
    assert sum("idempotent-replayed" in answer.headers for answer in answers) == MANY - 1

    other = post(house, "lead", "/api/v1/projects", {**body, "name": "Another"}, key)
    assert (other.status_code, other.json()["code"]) == (409, "idempotency-key-reused")
    again = post(house, "lead", "/api/v1/projects", body, key)
    assert (again.status_code, again.content) == (201, answers[0].content)
    assert len(house.person("lead").projects.all()) == 1


@pytest.mark.slow
def test_fifty_identical_posts_with_one_key_make_one_upload(house: House) -> None:
    """In the other service, which asks the first one before it writes."""
    donation_id = house.draft()
    path = f"/api/v1/donations/{donation_id}/uploads"
    body, key = {"path": "once.txt", "size": 3, "sha256": "0" * 64}, secrets.token_hex(8)
    with ThreadPoolExecutor(MANY) as pool:
        answers = list(pool.map(lambda _: post(house, "donor", path, body, key), range(MANY)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert [upload["path"] for upload in house.donor.uploads.of(donation_id)] == ["once.txt"]
    other = post(house, "donor", path, {**body, "path": "twice.txt"}, key)
    assert (other.status_code, other.json()["code"]) == (409, "idempotency-key-reused")


def test_a_change_on_what_has_changed_meanwhile_is_refused(house: House) -> None:
    donation_id = house.draft()
    url = f"{house.factory.address}/api/v1/donations/{donation_id}"
    token = house.donor.transport.signed()
    seen = httpx.get(url, headers=token, timeout=30).headers["etag"]

    def change(title: str, if_match: str | None) -> httpx.Response:
        headers = {**token, "If-Match": if_match} if if_match else token
        return httpx.patch(url, json={"title": title}, headers=headers, timeout=30)

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda number: change(f"Title {number}", seen), range(8)))
    taken = [answer for answer in answers if answer.status_code == 200]
    refused = [answer for answer in answers if answer.status_code != 200]
    assert len(taken) == 1, [answer.text for answer in answers]
    assert {(answer.status_code, answer.json()["code"]) for answer in refused} == {(412, "if-match-stale")}
    assert house.donor.donations.get(donation_id)["title"] == taken[0].json()["title"]
    assert change("Stale", seen).status_code == 412
    assert (change("Without", None).status_code, change("Without", None).json()["code"]) == (428, "if-match-required")
    assert change("In time", taken[0].headers["etag"]).status_code == 200


@pytest.mark.slow
def test_several_uploads_go_in_parallel_and_none_disturbs_another(house: House, tmp_path: Path) -> None:
    files = {f"part-{number}.bin": os.urandom(5_000_000 + number) for number in range(6)}
    small = {f"small/{number:03d}.txt": f"number {number}".encode() for number in range(100)}
    for name, data in (files | small).items():
        write(tmp_path / name, data)
    donation_id = house.draft()
    sent = house.donor.uploads.send_folder(donation_id, tmp_path, parallel=6)
    assert len(sent) == len(files) + 1, "the small ones travel as one bundle"
    gift = house.accept(donation_id)
    receipt = house.donor.donations.receipt(donation_id)
    assert {(f["path"], f["size"]) for f in receipt["files"]} == {(n, len(d)) for n, d in (files | small).items()}
    house.release(gift)
    house.steward.datasets.publish(gift.dataset_id)
    access = house.access("reader", gift)
    digests = {f["path"]: f["sha256"] for f in receipt["files"]}
    permits = access.permits()
    picked = [*files, "small/042.txt"]

    def bring(name: str) -> bytes:
        target = tmp_path / "back" / name
        return access.client.downloads.fetch(name, permits, target, sha256=digests[name]).read_bytes()

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(bring, picked)) == [(files | small)[name] for name in picked]


ODD = [
    "  two spaces.txt",
    "quote'\"`.txt",
    "percent%2F..%2f.txt",
    "question?hash#plus+&=.txt",
    "<script>alert(1)</script>.html",
    "semi;colon,comma.csv",
    "emoji 🧪.txt",
    "数据.csv",
    "-rf",
    "con",
    "a" * 251 + ".txt",
    "/".join(["folder" * 10] * 15) + "/deep.txt",
]


@pytest.mark.slow
def test_odd_and_long_names_are_kept_as_they_are(house: House, tmp_path: Path) -> None:
    donation_id = house.draft()
    for number, name in enumerate(ODD):
        house.upload(donation_id, name, f"{number}".encode())
    gift = house.accept(donation_id)
    receipt = {f["path"]: f["sha256"] for f in house.donor.donations.receipt(donation_id)["files"]}
    assert sorted(receipt) == sorted(ODD)
    house.release(gift)
    house.steward.datasets.publish(gift.dataset_id)
    access = house.access("reader", gift)
    permits = access.permits()
    for number, name in enumerate(ODD):
        target = access.client.downloads.fetch(name, permits, tmp_path / str(number), sha256=receipt[name])
        assert target.read_text() == str(number)


def test_names_that_would_become_one_are_refused_the_second_time(house: House) -> None:
    donation_id = house.draft()
    composed = unicodedata.normalize("NFC", "Ångström/é.txt")
    made = house.upload(donation_id, composed, b"first")
    for same in (unicodedata.normalize("NFD", composed), "ÅNGSTRÖM/É.TXT", "Ångström./é.txt"):
        refused = refusal(lambda same=same: house.upload(donation_id, same, b"second"))
        assert (refused.status, refused.code) == (409, "path-taken"), same
    assert [u["id"] for u in house.donor.uploads.of(donation_id)] == [made["id"]]


def test_names_that_no_dataset_may_have_are_refused_with_the_reason(house: House) -> None:
    donation_id = house.draft()
    bad = {
        "../up.txt": "path-dot-segment",
        "/absolute.txt": "path-absolute",
        "C:/drive.txt": "path-absolute",
        "back\\slash.txt": "path-backslash",
        "new\nline.txt": "path-control-character",
        "turned\u202etxt.exe": "path-control-character",
        "a//b.txt": "path-empty-segment",
        "x" * 256: "path-segment-too-long",
        "/".join(["x" * 200] * 6): "path-too-long",
    }
    for path, code in bad.items():
        refused = refusal(lambda path=path: house.begin_upload(donation_id, path, b"1"))
        assert (refused.status, [(e.pointer, e.code) for e in refused.errors]) == (422, [("/path", code)]), path
    assert house.donor.uploads.of(donation_id) == []


def test_names_that_are_no_unicode_are_refused_on_both_sides(house: House, tmp_path: Path) -> None:
    """A disk may hold bytes that are no UTF-8; the client says so before it sends, and the door knows what to say."""
    folder = os.fsencode(tmp_path / "old disk")
    os.mkdir(folder)
    with open(os.path.join(folder, b"r\xe4ksm\xf6rg\xe5s.txt"), "wb") as file:
        file.write(b"latin-1")
    with pytest.raises(UnfitFolder):
        scan(Path(os.fsdecode(folder)))
    donation_id = house.draft()
    (name,) = (entry for entry in Path(os.fsdecode(folder)).iterdir())
    with pytest.raises((FactoryError, ValueError)):
        house.donor.uploads.send_files(donation_id, [LocalFile(name.name, name, 7)])

    url = f"{house.factory.address}/api/v1/donations/{donation_id}/uploads"
    headers = {**house.donor.transport.signed(), "Content-Type": "application/json"}
    body = {"path": "r?ksm.txt", "size": 1, "sha256": "0" * 64}
    raw = json.dumps(body).encode().replace(b"?", b"\xe4")
    lone = json.dumps(body | {"path": "r\ud800ksm.txt"}).encode()
    for content in (raw, lone):
        answer = httpx.post(url, content=content, headers=headers, timeout=30)
        assert answer.status_code in (400, 422), answer.text
        assert answer.headers["content-type"] == "application/problem+json"
    assert house.donor.uploads.of(donation_id) == []
