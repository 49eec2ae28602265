"""Part 7: a folder about people. A weak recipe is stopped at the gate; a better one is judged, and passes."""

import json
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from datafactory import Refused
from datafactory.bundles import scan
from datafactory.decisions import Ask

from . import people
from .arriving import Cast
from .asking import open_project, request_grant, sign
from .giving import Gift, accept, refusal_of
from .judging import Steward
from .measuring import measure
from .people import People
from .stage import Stage, expect
from .terms import people_terms

RECIPES = Path(__file__).resolve().parent.parent / "recipes"
PURPOSE = "research/applied"
RUN_WITHIN_S = 150.0


def prepare(stage: Stage, cast: Cast) -> Gift:
    """Donate a folder about people, prepare it, judge it, release and measure it."""
    folder = _write(stage)
    gift = _donate(stage, cast, folder)
    with stage.step("Raw data about people cannot be released by a word", "steward2") as step:
        refused = refusal_of(lambda: cast.steward2.client.datasets.release(gift.version_id, "Looks fine."))
        code = refused.code if refused else "nothing"
        expect(code == "gate-required", f"a release without a gate is refused with gate-required, got {code}")
        step.says("not even by two stewards: only a passed gate does")
    _weak(stage, cast, gift)
    run = _better(stage, cast, gift)
    _judge(stage, cast, folder, run)
    version_id = _pass(stage, cast, run)
    prepared = Gift(gift.title, gift.dataset_id, version_id)
    with stage.step("The dataset is published", "steward") as step:
        cast.steward.client.datasets.publish(gift.dataset_id)
        step.says("with the treated version alone; the raw one stays with its donor and stewards")
    _measure(stage, cast, folder, prepared)
    return prepared


def _write(stage: Stage) -> People:
    with stage.step("A folder about people is written", "donor") as step:
        seed = secrets.randbelow(2**31)
        folder = people.write(stage.state / "data" / "people", seed)
        step.figures.update(seed=seed, planted=folder.planted)
        step.says(
            f"{len(folder.portraits)} portraits among {len(list((folder.folder / 'bilder').iterdir()))} pictures, "
            f"{len(folder.texts.planted)} texts, a register of {len(folder.register.numbers):,} people; "
            f"{folder.planted:,} made-up identifiers planted, from seed {seed}"
        )
    return folder


def _donate(stage: Stage, cast: Cast, folder: People) -> Gift:
    donor = cast.donor.client
    title = f"Ärenden, bilder och register ({stage.run})"
    with stage.step("It is donated, as personal data, under terms with a gate", "donor") as step:
        terms = donor.terms.create(people_terms())
        body = {
            "title": title,
            "description": "Case notes in Swedish, photographs and a register of visits. Made for the demo.",
            "language": "sv",
            "controller": "Nordvik Sensorik AB",
            "legal_bases": [{"purpose": "research", "article6": "e", "article9": None}],
            "origin": "scikit-image's portrait (NASA), Webbnyheter 2012 (CC BY 4.0), and generated records",
            "third_party_rights": "CC BY 4.0: klintan/swedish-ner-corpus, Språkbanken",
            "personal_data": "yes",
            "retention_until": None,
            "secrecy": {"marked": False, "provision": None},
            "integrity_class": "internal",
            "terms_id": str(terms["id"]),
            "partner_id": cast.donor_partner,
        }
        donation_id = str(donor.donations.create(body)["id"])
        files = list(scan(folder.folder))
        donor.uploads.send_files(donation_id, files)
        donor.uploads.wait_stored(donation_id)
        donor.donations.submit(donation_id)
        step.says("; ".join(line for line in terms["summary"]["en"] if "gate" in line.lower()) or f"{len(files)} files")
    return accept(stage, cast.steward, donation_id, title)


def recipe(name: str) -> Mapping[str, Any]:
    """Return a recipe of the demo."""
    return json.loads((RECIPES / f"{name}.json").read_text(encoding="utf-8"))


def make_recipe(cast: Cast, name: str) -> str:
    """Enter a recipe of the demo; return its id."""
    document = recipe(name)
    made = cast.steward.client.recipes.create(document["name"], document["operators"], document["description"])
    return str(made["id"])


def run_to_end(stage: Stage, cast: Cast, recipe_id: str, version_id: str, mode: str = "treat") -> dict[str, Any]:
    """Start a run as the steward and return it finished."""
    runs = cast.steward.client.runs
    run = runs.create(recipe_id, version_id, mode=mode)
    with stage.counting("treating") as tell:
        run = runs.wait(str(run["id"]), timeout_s=RUN_WITHIN_S, every_s=0.3, on_progress=lambda r: tell(r["progress"]))
    expect(run["state"] == "finished", f"a finished run, but it is {run['state']} ({run['reason']})")
    return run


def _weak(stage: Stage, cast: Cast, gift: Gift) -> None:
    with stage.step("A weak recipe is run", "steward") as step:
        run = run_to_end(stage, cast, make_recipe(cast, "weak"), gift.version_id)
        step.ids.update(run=str(run["id"]), version=str(run["result_version_id"]))
        step.says("nothing but e-mail addresses is treated")
    with stage.step("The gate stops it", "steward2") as step:
        answer = cast.steward2.client.runs.decide_gate(str(run["id"]), "pass", "Trying.")
        refusals = answer["refusals"]
        stage.figures["weak_recipe_refused"] = answer["outcome"] == "refused" and bool(refusals)
        expect(answer["outcome"] == "refused", f"the gate refuses a weak recipe, but said {answer['outcome']}")
        expect(all(r["text"] for r in refusals), "each refusal says what would pass")
        version = cast.steward.client.datasets.version(str(run["result_version_id"]))
        expect(version["state"] == "committed", f"a refused version stays raw, but it is {version['state']}")
        stage.figures["weak_recipe_refusals"] = [r["code"] for r in refusals]
        step.says(" · ".join(stage.plain(r["text"]) for r in refusals))


def _better(stage: Stage, cast: Cast, gift: Gift) -> dict[str, Any]:
    recipes = cast.steward.client.recipes
    with stage.step("A better recipe is tried on a sample", "steward") as step:
        recipe_id = make_recipe(cast, "people")
        tried = recipes.test(recipe_id, text="Ring Anna Svensson, 19850709-1234, på 070-174 06 05.")
        step.ids["recipe"] = recipe_id
        step.says(str(tried[0]["after"]).strip())
    with stage.step("It is run over the whole version", "the factory") as step:
        run = run_to_end(stage, cast, recipe_id, gift.version_id)
        step.ids.update(run=str(run["id"]), version=str(run["result_version_id"]))
        report = cast.steward.client.runs.report(str(run["id"]))
        found = sum(int(kind["found"]) for kind in report["found"].values())
        step.figures.update(treated=run["files_treated"], withheld=run["files_withheld"], found=found)
        step.says(f"{run['files_treated']} files treated, {run['files_withheld']} withheld, {found:,} places found")
    return run


def _judge(stage: Stage, cast: Cast, folder: People, run: dict[str, Any]) -> None:
    runs = cast.steward2.client.runs
    with stage.step("Places drawn at random are judged", "steward2") as step:
        steward = Steward(folder)
        judged = {"right": 0, "missed": 0, "needless": 0}
        for sample in runs.samples(str(run["id"])):
            judgement = steward.judge(sample)
            runs.judge(str(run["id"]), str(sample["id"]), judgement)
            judged[judgement] += 1
        review = runs.report(str(run["id"]))["review"]
        recall = review["recall"]
        step.figures.update(judged, recall=recall)
        told = f"{recall['estimate']:.0%}, 95 % interval {recall['low']:.0%}–{recall['high']:.0%}" if recall else "none"
        step.says(f"{sum(judged.values())} places: {judged}; recall {told}")


def _pass(stage: Stage, cast: Cast, run: dict[str, Any]) -> str:
    run_id, version_id = str(run["id"]), str(run["result_version_id"])
    with stage.step("The gate is passed by the other steward", "steward2") as step:
        refused: Refused | None = refusal_of(
            lambda: cast.steward.client.runs.decide_gate(run_id, "pass", "I ran it myself.")
        )
        code = refused.code if refused else "nothing"
        expect(code == "second-steward-required", f"the one who ran it may not pass it, but the answer was {code}")
        answer = cast.steward2.client.runs.decide_gate(run_id, "pass", "Judged the places and read the report.")
        expect(answer["outcome"] == "passed", f"the gate passes, but it said {answer['outcome']}: {answer['refusals']}")
        version = cast.steward.client.datasets.version(version_id)
        expect(
            (version["state"], version["gate"]) == ("released", "passed"), f"a released version, but it is {version}"
        )
        stage.figures["gate_passed_by"] = "steward2"
        step.says(f"the one who ran the recipe may not ({code}); version {version['number']} is released")
    return version_id


def _measure(stage: Stage, cast: Cast, folder: People, gift: Gift) -> None:
    lead = cast.lead
    with stage.step("A researcher downloads what was released", "lead") as step:
        project_id = open_project(lead, cast.university, f"People ({stage.run})", PURPOSE)
        _, agreement_id = request_grant(cast, lead, gift, project_id, PURPOSE)
        sign(lead, agreement_id)
        permits = lead.client.downloads.permits(Ask(gift.version_id, project_id, "read", PURPOSE))
        released = stage.state / "released" / stage.run
        files = list(lead.client.datasets.files(gift.version_id, permits.token()))
        for file in files:
            path = str(file["path"])
            lead.client.downloads.fetch(path, permits, released / path, sha256=str(file["sha256"]))
        step.says(f"{len(files)} files")
    with stage.step("It is measured from outside", "lead") as step:
        outcome = measure(folder, released)
        stage.figures.update(outcome.figures)
        step.figures.update(outcome.figures)
        figures = outcome.figures
        expect(figures["planted_left"] == 0, f"no planted identifier is left, but: {outcome.left[:10]}")
        changed = figures["unplanted_tokens_changed_share"]
        expect(changed < 0.02, f"under 2 % of other tokens changed, but {changed:.2%}")
        persons = figures["person_tokens_treated_share"]
        expect(persons >= 0.6, f"60 % of names treated, but {persons:.1%}")
        expect(all(n >= 1 for n in figures["faces_before"]), f"a face in each portrait: {figures['faces_before']}")
        after = figures["faces_after_second_detector"]
        expect(not any(after), f"no face for a second detector, but {after}")
        expect(figures["outside_boxes_ssim"] >= 0.98, f"SSIM 0.98 outside faces: {figures['outside_boxes_ssim']}")
        expect(figures["k_min"] >= 5, f"k of at least 5, but {figures['k_min']}")
        expect(figures["rows_kept_share"] >= 0.8, f"80 % of rows kept, but {figures['rows_kept_share']:.1%}")
        step.says(
            f"{figures['planted']:,} planted, none left; {persons:.0%} of names treated, {changed:.2%} of other tokens "
            f"changed; faces {sum(figures['faces_before'])} → 0; SSIM outside {figures['outside_boxes_ssim']:.3f}; "
            f"k = {figures['k_min']} with {figures['rows_kept_share']:.0%} of rows"
        )
