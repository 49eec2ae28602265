"""Part 2: a donor states terms and donates; stewards check, release and publish. Nobody else sees a trace before."""

from dataclasses import dataclass, field
from typing import Any

from datafactory import Refused
from datafactory.bundles import LocalFile, scan
from datafactory.decisions import Ask

from . import data
from .arriving import Cast
from .stage import Person, Stage, expect
from .terms import COURSE, odrl_terms

LARGE = "measurements/large.bin"


@dataclass
class Gift:
    """The dataset that was given."""

    title: str
    dataset_id: str
    version_id: str
    receipt: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])


def give(stage: Stage, cast: Cast) -> Gift:
    """Donate, check, release, publish."""
    donor = cast.donor.client
    with stage.step("Terms are written", "donor") as step:
        terms = donor.terms.create(odrl_terms())
        step.ids["terms"] = str(terms["id"])
        step.figures["number"] = terms["number"]
        step.says("; ".join(terms["summary"]["en"][:3]))
    files = _files(stage)
    size = sum(file.size for file in files)
    title = f"Handwritten digits, scanned ({stage.run})"
    with stage.step("A donation is described", "donor") as step:
        donation = donor.donations.create(_donation(title, str(terms["id"]), cast.donor_partner))
        donation_id = str(donation["id"])
        step.ids["donation"] = donation_id
        step.says(f"“{title}”, with legal basis, origin and no personal data")
    with stage.step("Files are sent", "donor") as step, stage.progress("sending", size) as on_progress:
        sent = donor.uploads.send_files(donation_id, files, on_progress=on_progress)
        step.figures.update(files=len(files), uploads=len(sent), bytes=size)
        step.says(f"{len(files):,} files, {size / 1e9:.2f} GB, in {len(sent)} uploads that could have been interrupted")
    with stage.step("Files are checked and encrypted", "the factory") as step, stage.progress("storing", size) as bar:
        donor.uploads.wait_stored(donation_id, on_progress=bar)
        step.says("every digest agrees; each object has a key of its own")
    with stage.step("The donation is submitted", "donor") as step:
        submitted = donor.donations.submit(donation_id)
        expect(submitted["state"] == "submitted", f"a submitted donation, but its state is {submitted['state']}")
        step.says("from here on only a steward can move it")
    gift = accept(stage, cast.steward, donation_id, title)
    _receipt(stage, cast, donation_id, files, gift)
    _invisible(stage, cast, gift)
    with stage.step("A second steward releases the raw version", "steward2") as step:
        refused = refusal_of(lambda: cast.steward.client.datasets.release(gift.version_id, "I accepted it myself."))
        expect(refused is not None, "the steward who accepted must not be able to release")
        version = cast.steward2.client.datasets.release(gift.version_id, "Looked at samples: digits, no persons.")
        expect(version["state"] == "released", f"a released version, but its state is {version['state']}")
        step.says(f"the one who accepted it may not ({refused.code if refused else ''})")
    with stage.step("The dataset is published", "steward") as step:
        dataset = cast.steward.client.datasets.publish(gift.dataset_id)
        expect(dataset["state"] == "published", f"a published dataset, but its state is {dataset['state']}")
        step.says("listed for everyone who is signed in")
    return gift


def _files(stage: Stage) -> list[LocalFile]:
    with stage.step("Data is written", "donor") as step:
        with stage.progress("digits", data.DIGITS) as on_progress:
            folder = data.digits(stage.state / "data" / "digits", on_progress)
        with stage.progress("one large file", stage.big_bytes) as on_progress:
            large = data.large_file(stage.state / "data" / "large.bin", stage.big_bytes, on_progress)
        files = [*scan(folder), LocalFile(LARGE, large, stage.big_bytes)]
        expect(len(files) == data.DIGITS + 2, f"{data.DIGITS + 2} files, but there are {len(files)}")
        step.says(f"{data.DIGITS:,} scanned digits as PNG, a table of labels, and a file of {stage.big_bytes:,} bytes")
    return files


def _donation(title: str, terms_id: str, partner_id: str) -> dict[str, Any]:
    return {
        "title": title,
        "description": "Scanned handwritten digits (8 × 8 pixels) with labels, and a long series of measurements. "
        "Inskannade handskrivna siffror med facit.",
        "language": "en",
        "controller": "Nordvik Sensorik AB",
        "legal_bases": [{"purpose": "research", "article6": "f", "article9": None}],
        "origin": "UCI Machine Learning Repository, Optical Recognition of Handwritten Digits (CC BY 4.0); own sensors",
        "third_party_rights": "CC BY 4.0: Alpaydin and Kaynak, 1998",
        "personal_data": "no",
        "retention_until": None,
        "secrecy": {"marked": False, "provision": None},
        "integrity_class": "open",
        "terms_id": terms_id,
        "partner_id": partner_id,
    }


def accept(stage: Stage, steward: Person, donation_id: str, title: str) -> Gift:
    """Let the steward check and accept a submitted donation."""
    with stage.step("A steward goes through the checklist and accepts", "steward") as step:
        donation = steward.client.donations.get(donation_id)
        keys = [str(item["key"]) for item in donation["checklist"]]
        expect(bool(keys), "a checklist for the steward")
        steward.client.donations.checklist(donation_id, {key: (True, "Checked in the demo.") for key in keys})
        accepted = steward.client.donations.accept(donation_id, "Law, ethics and origin are in order.")
        gift = Gift(title, str(accepted["dataset_id"]), str(accepted["version_id"]))
        step.ids.update(dataset=gift.dataset_id, version=gift.version_id)
        step.says(f"{len(keys)} points in order; version 1 is committed, still raw")
    return gift


def _receipt(stage: Stage, cast: Cast, donation_id: str, files: list[LocalFile], gift: Gift) -> None:
    with stage.step("The donor gets a receipt", "donor") as step:
        receipt = cast.donor.client.donations.receipt(donation_id)
        gift.receipt = {str(file["path"]): file for file in receipt["files"]}
        ours = {file.path: file.size for file in files}
        theirs = {path: int(file["size"]) for path, file in gift.receipt.items()}
        expect(theirs == ours, f"a receipt for the {len(ours)} files that were sent; it lists {len(theirs)}")
        stage.figures.update(files=len(theirs), bytes=sum(theirs.values()))
        step.figures.update(files=len(theirs), bytes=sum(theirs.values()))
        step.says(f"the digest of each of {len(theirs):,} files, under {str(receipt['version_digest'])[:12]}…")


def refusal_of(act: Any) -> Refused | None:
    """Return how `act` is refused, or None."""
    try:
        act()
    except Refused as refused:
        return refused
    return None


def _invisible(stage: Stage, cast: Cast, gift: Gift) -> None:
    """Before publication a dataset does not exist for others: 404 everywhere, and search finds nothing."""
    with stage.step("Before publication nobody else sees a trace", "outsider, researcher") as step:
        asked = 0
        for person in (cast.outsider, cast.researcher):
            catalogue = person.client.datasets
            ways = {
                "get_dataset": lambda c=catalogue: c.get(gift.dataset_id),
                "list_versions": lambda c=catalogue: c.versions(gift.dataset_id),
                "get_version": lambda c=catalogue: c.version(gift.version_id),
                "list_files": lambda c=catalogue: list(c.files(gift.version_id)),
                "download_file": lambda t=person.client.transport: t.get(
                    f"/api/v1/versions/{gift.version_id}/files/labels.csv"
                ),
                "get_lineage": lambda c=catalogue: c.lineage(gift.version_id),
            }
            for name, way in ways.items():
                refused = refusal_of(way)
                got = "an answer" if refused is None else str(refused.status)
                expect(got == "404", f"404 from {name} for {person.name} before publication, but got {got}")
                asked += 1
            found = [dataset["id"] for dataset in catalogue.find(gift.title)]
            expect(gift.dataset_id not in found, f"search shows nothing to {person.name} before publication")
            asked += 1
        step.figures["asked"] = asked
        step.says(f"{asked} ways tried, all 404 or empty")


def question(gift: Gift, project_id: str, purpose: str) -> Ask:
    """Return the question that the rest of the story is about: may we read this version?"""
    return Ask(gift.version_id, project_id, "read", purpose)


__all__ = ["COURSE", "LARGE", "Gift", "give", "question"]
