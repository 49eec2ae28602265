"""Part 8: two people label 40 digits, disagree on some, a third settles them, and version 3 appears."""

from typing import Any

from datafactory.bundles import LocalFile

from . import data
from .arriving import Cast, belongs
from .asking import open_project, request_grant, sign
from .giving import Gift, accept
from .preparing import PURPOSE, make_recipe, run_to_end
from .stage import Person, Stage, expect
from .terms import labelling_terms

ITEMS = 40
DISPUTED = frozenset({3, 11, 19, 27, 35})
"""Places in each annotator's own order at which the second one sees another digit."""

SCHEMA = {
    "kind": "image-class",
    "labels": [{"name": str(n), "title": {"sv": f"siffran {n}", "en": f"digit {n}"}} for n in range(10)],
    "multiple": False,
    "comment": True,
}


def annotate(stage: Stage, cast: Cast) -> None:
    """Prepare a small dataset, label it, settle, close, and let the result through its gate."""
    labels = _labels(stage)
    gift = _donate(stage, cast, labels)
    gift = _second_version(stage, cast, gift)
    people = [_joins(stage, cast, name) for name in (f"annotator1-{stage.run}", f"annotator2-{stage.run}")]
    reviewer = _joins(stage, cast, f"reviewer-{stage.run}")
    campaign_id = _open(stage, cast, gift, people, reviewer)
    for number, person in enumerate(people):
        _label(stage, person, campaign_id, labels, second=number == 1)
    _settle(stage, reviewer, campaign_id, labels)
    version_id = _close(stage, cast, campaign_id, gift)
    _gate(stage, cast, version_id)


def _labels(stage: Stage) -> dict[str, str]:
    lines = (stage.state / "data" / "digits" / "labels.csv").read_text(encoding="utf-8").splitlines()[1:]
    # Spread over the whole set, so that every digit occurs.
    return dict(line.split(",") for line in lines[:: data.DIGITS // ITEMS][:ITEMS])


def _donate(stage: Stage, cast: Cast, labels: dict[str, str]) -> Gift:
    donor = cast.donor.client
    title = f"Siffror att märka ({stage.run})"
    with stage.step("Unlabelled digits are donated", "donor") as step:
        terms = donor.terms.create(labelling_terms())
        body = {
            "title": title,
            "description": "Scanned handwritten digits without labels.",
            "language": "sv",
            "controller": "Nordvik Sensorik AB",
            "legal_bases": [{"purpose": "research", "article6": "f", "article9": None}],
            "origin": "UCI Machine Learning Repository, Optical Recognition of Handwritten Digits (CC BY 4.0)",
            "third_party_rights": "CC BY 4.0: Alpaydin and Kaynak, 1998",
            "personal_data": "no",
            "retention_until": None,
            "secrecy": {"marked": False, "provision": None},
            "integrity_class": "open",
            "terms_id": str(terms["id"]),
            "partner_id": cast.donor_partner,
        }
        donation_id = str(donor.donations.create(body)["id"])
        folder = stage.state / "data" / "digits"
        files = [LocalFile(path, folder / path, (folder / path).stat().st_size) for path in labels]
        donor.uploads.send_files(donation_id, files)
        donor.uploads.wait_stored(donation_id)
        donor.donations.submit(donation_id)
        step.says(f"{len(files)} pictures, under terms that permit annotation")
    return accept(stage, cast.steward, donation_id, title)


def _second_version(stage: Stage, cast: Cast, gift: Gift) -> Gift:
    with stage.step("Metadata is taken off: version 2", "steward, steward2") as step:
        run = run_to_end(stage, cast, make_recipe(cast, "metadata"), gift.version_id)
        version_id = str(run["result_version_id"])
        version = cast.steward2.client.datasets.release(version_id, "Digits without metadata; nobody is in them.")
        expect((version["number"], version["state"]) == (2, "released"), f"version 2, released, but it is {version}")
        cast.steward.client.datasets.publish(gift.dataset_id)
        step.ids.update(run=str(run["id"]), version=version_id)
        step.says("a second steward may release it: there is no personal data, and the terms ask for no gate")
    return Gift(gift.title, gift.dataset_id, version_id)


def _joins(stage: Stage, cast: Cast, name: str) -> Person:
    person = stage.person(name)
    belongs(cast.operator, person, cast.university)
    return person


def _open(stage: Stage, cast: Cast, gift: Gift, people: list[Person], reviewer: Person) -> str:
    lead = cast.lead
    with stage.step("A campaign is opened", "lead") as step:
        project_id = open_project(lead, cast.university, f"Labels ({stage.run})", PURPOSE)
        _, agreement_id = request_grant(cast, lead, gift, project_id, PURPOSE, ("read", "annotate"))
        sign(lead, agreement_id)
        for person in (*people, reviewer):
            lead.client.projects.add_member(project_id, person.id)
            person.client.transport.forget_token()
        campaign = lead.client.campaigns.create(
            {
                "version_id": gift.version_id,
                "project_id": project_id,
                "purpose": PURPOSE,
                "title": "Vilken siffra är det?",
                "guidelines": "Välj den siffra som skrivaren menade. Är du osäker, skriv varför i kommentaren.",
                "schema": SCHEMA,
                "overlap": 2,
                "selection": {"media": "image"},
            }
        )
        campaign_id = str(campaign["id"])
        for person in people:
            lead.client.campaigns.add_member(campaign_id, person.id, "annotator")
        lead.client.campaigns.add_member(campaign_id, reviewer.id, "reviewer")
        expect(campaign["items"]["total"] == ITEMS, f"{ITEMS} items, but there are {campaign['items']}")
        step.ids.update(campaign=campaign_id, project=project_id)
        step.says(f"{ITEMS} items, each by two people who do not see each other's answers")
    return campaign_id


def _label(stage: Stage, person: Person, campaign_id: str, labels: dict[str, str], *, second: bool) -> None:
    with stage.step("An annotator labels", person.name) as step:
        tasks = person.client.tasks
        done = 0
        while (task := tasks.claim(campaign_id)) is not None:
            path = str(task["item"]["path"])
            picture = tasks.file(task)
            expect(picture[:4] == b"\x89PNG", f"the picture of {path}")
            label = labels[path]
            if second and sorted(labels).index(path) in DISPUTED:
                label = str((int(label) + 1) % 10)
            tasks.save(str(task["id"]), [{"label": label}], revision=task["revision"])
            tasks.submit(str(task["id"]))
            done += 1
        expect(done == ITEMS, f"{ITEMS} tasks for each annotator, but {person.name} had {done}")
        step.figures["tasks"] = done
        step.says(f"{done} tasks, each looked at under a permit of their own")


def _settle(stage: Stage, reviewer: Person, campaign_id: str, labels: dict[str, str]) -> None:
    with stage.step("A reviewer settles what they disagree on", reviewer.name) as step:
        campaigns = reviewer.client.campaigns
        agreement = campaigns.agreement(campaign_id)
        stage.figures["campaign_alpha"] = _alpha(agreement)
        open_reviews = campaigns.reviews(campaign_id)
        expect(len(open_reviews) == len(DISPUTED), f"{len(DISPUTED)} disputes, but there are {len(open_reviews)}")
        for item in open_reviews:
            campaigns.settle(str(item["id"]), [{"label": labels[str(item["item"]["path"])]}], "As the writer meant it.")
        left = campaigns.reviews(campaign_id)
        expect(not left, f"nothing left to settle, but there is {len(left)}")
        step.figures["disputes"] = len(open_reviews)
        step.says(f"{len(open_reviews)} disputes; Krippendorff's alpha was {_alpha(agreement):.2f}")


def _alpha(agreement: dict[str, Any]) -> float:
    return float(agreement["krippendorff_alpha"]["value"])


def _close(stage: Stage, cast: Cast, campaign_id: str, gift: Gift) -> str:
    with stage.step("The campaign is closed: version 3", "lead") as step:
        campaigns = cast.lead.client.campaigns
        campaigns.close(campaign_id)
        stage.wait_for("the campaign closes", lambda: campaigns.get(campaign_id)["state"] == "closed", 60.0)
        version_id = str(campaigns.get(campaign_id)["result_version_id"])
        version = cast.steward.client.datasets.version(version_id)
        expect((version["number"], version["gate"]) == (3, "required"), f"version 3 with a gate, but it is {version}")
        lineage = cast.steward.client.datasets.lineage(version_id)["parents"]
        expect(
            [(e["source_kind"], e["parent_version_id"]) for e in lineage] == [("campaign", gift.version_id)],
            f"lineage to the campaign and version 2, but it is {lineage}",
        )
        step.ids["version"] = version_id
        step.says("its labels lie beside the pictures; raw until its own gate, since annotators type free text")
    return version_id


def _gate(stage: Stage, cast: Cast, version_id: str) -> None:
    with stage.step("What annotators wrote is inspected, and passes", "steward, steward2") as step:
        run = run_to_end(stage, cast, make_recipe(cast, "free-text"), version_id, mode="inspect")
        runs = cast.steward2.client.runs
        for sample in runs.samples(str(run["id"])):
            runs.judge(str(run["id"]), str(sample["id"]), "right")
        answer = runs.decide_gate(str(run["id"]), "pass", "Nothing personal in labels or comments.")
        expect(answer["outcome"] == "passed", f"the gate passes, but said {answer['outcome']}: {answer['refusals']}")
        version = cast.steward.client.datasets.version(version_id)
        expect(version["state"] == "released", f"version 3 is released, but it is {version['state']}")
        step.says("nothing about a person was found; version 3 is released")
