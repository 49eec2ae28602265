"""What stands in a donated file is found by a recipe, and from then on occurs nowhere: nor what an annotator types."""

import asyncio
import datetime
import io
import json
import secrets
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image, PngImagePlugin

from tests.e2e.house import PURPOSE, Gift, House, furnish, journal, sign_and_grant, terms
from tests.e2e.traces import everything_in_databases, everything_under, spellings, traces
from tests.support import wait
from tests.support.factory import Factory
from tests.support.pictures import png

OPERATORS = [{"operator": "text.email", "params": {"action": "label"}}, {"operator": "image.metadata", "params": {}}]

FACTS = [f"factory.deid.{what}.v1" for what in ("run.started", "run.finished", "report.published")]


def pictures(marker: str) -> dict[str, bytes]:
    """Pictures in which the marker stands everywhere but in the picture."""
    picture = Image.linear_gradient("L").convert("RGB")
    exif = Image.Exif()
    exif[0x010E], exif[0x9286] = marker, b"ASCII\0\0\0" + marker.encode()
    made: dict[str, bytes] = {}
    for name, form, options in (
        ("a.jpg", "JPEG", {"exif": exif.tobytes(), "comment": marker.encode()}),
        ("b.webp", "WEBP", {"exif": exif.tobytes(), "xmp": f"<x>{marker}</x>".encode()}),
        ("c.tiff", "TIFF", {"exif": exif, "description": marker}),
    ):
        buffer = io.BytesIO()
        picture.save(buffer, form, **options)
        made[f"bilder/{name}"] = buffer.getvalue() + (marker.encode() if form == "JPEG" else b"")
    notes = PngImagePlugin.PngInfo()
    notes.add_text("Author", marker)
    notes.add_text("Comment", marker, zip=True)
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", pnginfo=notes, exif=exif.tobytes())
    return {**made, "bilder/d.png": buffer.getvalue() + b"PK\x03\x04" + marker.encode()}


def folder(word: str) -> dict[str, bytes]:
    """Files of every kind that hold an address with the marker."""
    address = f"{word}@nordvik.se"
    table = pa.table({"nr": [1, 2], "notering": [f"Skriv till {address}.", "Inget."]})
    table = table.replace_schema_metadata({"source": address})
    buffer = io.BytesIO()
    pq.write_table(table, buffer)
    said = f"Svara till {address} före fredag.\n"
    return {
        "brev.txt": said.encode(),
        "brev-16.txt": said.encode("utf-16"),
        "brev-latin.txt": f"Å, {said}".encode("latin-1"),
        "noteringar.md": f"# Ärende\n\n- **Till:** <{address}>\n- [svar](mailto:{address})\n".encode(),
        "sida.html": f'<!-- {address} --><p title="{address}">Till <b>{word}</b>@nordvik.se'
        f'<a href="mailto:{address}">svar</a></p>'.encode(),
        "data.json": json.dumps({"till": address, address: {"svar": [f"till {address}"]}}).encode(),
        "rader.jsonl": "".join(json.dumps({"n": n, "till": address}) + "\n" for n in range(3)).encode(),
        "tabell.csv": f'nr;till\n1;{address}\n2;"Skriv; till {address}"\n'.encode(),
        "tabell.parquet": buffer.getvalue(),
        f"till {address}.txt": said.encode(),
        **pictures(address),
    }


def _released(house: House, gift: Gift) -> dict[str, bytes]:
    access = house.access("reader", gift)
    permit, version_id = access.decision, gift.version_id
    found: dict[str, bytes] = {}
    for file in access.client.datasets.files(version_id, permit.permit_token):
        url = f"/api/v1/versions/{version_id}/files/{file['path']}"
        headers = {"Factory-Permit": str(permit.permit_token)}
        found[str(file["path"])] = access.client.transport.send("GET", url, headers=headers).content
    return found


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_a_marker_in_files_of_every_kind_occurs_nowhere_once_they_are_prepared(rough: Factory) -> None:
    house = furnish(rough)
    word = "mk" + secrets.token_hex(16)
    needles = spellings(word.encode())
    began = datetime.datetime.now(datetime.UTC)
    files = folder(word)
    donation_id = house.draft("Brev, tabeller och bilder")
    for path, content in files.items():
        house.upload(donation_id, path, content)
    gift = house.accept(donation_id)
    runs = house.steward.runs
    recipe = house.steward.recipes.create("E-mail and metadata", OPERATORS, "Made for a test.")
    tried = house.steward.recipes.test(str(recipe["id"]), version_id=gift.version_id, sample=20)
    run = runs.wait(str(runs.create(str(recipe["id"]), gift.version_id)["id"]), timeout_s=120)
    assert (run["state"], run["files_withheld"]) == ("finished", 0), list(runs.report_files(str(run["id"])))
    version_id = str(run["result_version_id"])
    told: dict[str, Any] = {
        # A steward, who may list the version's files, is told which file was tried; of its contents nothing.
        "tried": [{**file, "path": ""} for file in tried],
        "report": runs.report(str(run["id"])),
        "files": list(runs.report_files(str(run["id"]))),
        "samples": runs.samples(str(run["id"])),
    }
    assert told["report"]["found"]["email"]["found"] >= len(files) - 4
    house.steward2.datasets.release(version_id, "Looked at it.")
    house.steward.datasets.publish(gift.dataset_id)
    released = _released(house, replace(gift, version_id=version_id))
    assert len(released) == len(files)
    assert released["brev.txt"] == "Svara till [EMAIL] före fredag.\n".encode()
    facts = journal(house.operator, began, FACTS, until=lambda facts: {f["type"] for f in facts} >= set(FACTS))

    assert traces(iter((f"released {path}", content) for path, content in released.items()), needles) == []
    assert traces(iter((f"name of {path}", path.encode()) for path in released), needles) == []
    assert traces(iter((name, json.dumps(part).encode()) for name, part in told.items()), needles) == []
    assert traces(iter((fact["type"], json.dumps(fact).encode()) for fact in facts), needles) == []
    assert traces(iter(asyncio.run(everything_in_databases(rough))), needles) == []
    assert traces(everything_under(rough.data), needles) == []


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_what_an_annotator_types_about_somebody_is_stopped_at_the_gate_and_taken_out(rough: Factory) -> None:
    house = furnish(rough)
    word = "mk" + secrets.token_hex(16)
    needles = spellings(word.encode())
    policy = terms()
    policy["permission"][0]["action"] = ["read", "annotate"]
    house.terms_id = str(house.donor.terms.create(policy)["id"])
    gift = house.give({"a.png": png(10), "b.png": png(20)}, title="Pictures")
    house.researcher("lead")
    house.researcher("marker")
    lead, project_id = house.person("lead"), house.project("lead", members=("marker",))
    until = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=5)
    sign_and_grant(house, "lead", project_id, gift, ["read", "annotate"], until)
    label = {"name": "grey", "title": {"sv": "grå", "en": "grey"}}
    campaign = lead.campaigns.create(
        {
            "version_id": gift.version_id, "project_id": project_id, "purpose": PURPOSE, "title": "Shades",
            "guidelines": "Say which.", "overlap": 1, "selection": {"media": "image"},
            "schema": {"kind": "image-class", "labels": [label], "multiple": False, "comment": True},
        }
    )  # fmt: skip
    campaign_id = str(campaign["id"])
    lead.campaigns.add_member(campaign_id, house.user_id("marker"), "annotator")
    tasks = house.person("marker").tasks
    while (task := tasks.claim(campaign_id)) is not None:
        saved = tasks.save(str(task["id"]), [{"label": "grey"}], f"Ask {word}@nordvik.se.", revision=task["revision"])
        assert saved["comment"]
        tasks.submit(str(task["id"]))
    lead.campaigns.close(campaign_id)
    wait.until_sync(lambda: lead.campaigns.get(campaign_id)["state"] == "closed", seconds=30, what="it closes")
    labelled = str(lead.campaigns.get(campaign_id)["result_version_id"])
    assert house.steward.datasets.version(labelled)["gate"] == "required"

    runs = house.steward.runs
    recipe_id = str(house.steward.recipes.create("Typed text", OPERATORS, "Made for a test.")["id"])
    looked = runs.wait(str(runs.create(recipe_id, labelled, mode="inspect")["id"]), timeout_s=60)
    answer = house.steward2.runs.decide_gate(str(looked["id"]), "pass", "Trying.")
    assert answer["outcome"] == "refused"
    assert "untreated-found" in [refusal["code"] for refusal in answer["refusals"]]
    assert house.steward.datasets.version(labelled)["state"] == "committed"

    treated = runs.wait(str(runs.create(recipe_id, labelled)["id"]), timeout_s=60)
    assert treated["files_withheld"] == 0
    version_id = str(treated["result_version_id"])
    for sample in house.steward2.runs.samples(str(treated["id"])):
        house.steward2.runs.judge(str(treated["id"]), str(sample["id"]), "right")
    report = house.steward2.runs.report(str(treated["id"]))
    assert report["found"]["email"] == {"found": 2, "treated": 2}
    lineage = house.steward.datasets.lineage(version_id)["parents"]
    assert [(edge["source_kind"], edge["parent_version_id"]) for edge in lineage] == [("recipe", labelled)]
    assert traces(iter(asyncio.run(everything_in_databases(rough))), needles) == []
    assert traces(everything_under(rough.data), needles) == []
