"""The matrix's part about preparation and annotation: runs, reports, the gate; campaigns, tasks, reviews."""

import datetime
from typing import Any

from tests.e2e.house import Gift, House, sign_and_grant, terms
from tests.e2e.matrix import World
from tests.e2e.rows import Row, lists
from tests.support.pictures import png

RECIPE = [{"operator": "text.email", "params": {}}, {"operator": "image.metadata", "params": {}}]
PURPOSE = "research"


def recipe(_world: World) -> dict[str, Any]:
    """Return the body of a recipe."""
    return {"name": "Of the matrix", "description": "Made for a test.", "operators": RECIPE}


def campaign(world: World) -> dict[str, Any]:
    """Return the body of a campaign over the version that may be annotated."""
    labels = [{"name": name, "title": {"sv": name, "en": name}} for name in ("cat", "dog")]
    return {
        "version_id": world.ids["labelled_version"], "project_id": world.ids["labelling"], "purpose": PURPOSE,
        "title": "Cats and dogs", "guidelines": "Say which.", "overlap": 2,
        "schema": {"kind": "image-class", "labels": labels, "multiple": False, "comment": True},
        "selection": {"media": "image"},
    }  # fmt: skip


def settle_preparation(world: World) -> None:
    """Add a run with its report, a campaign with a dispute, and tasks in every state that operations need."""
    house, ids = world.house, world.ids
    gift = _gift(house)
    ids |= {"labelled_version": gift.version_id, "labelled_dataset": gift.dataset_id}
    ids["recipe"] = str(house.steward.recipes.create("Of the matrix", RECIPE, "Made for a test.")["id"])
    run = house.steward.runs.create(ids["recipe"], gift.version_id)
    run = house.steward.runs.wait(str(run["id"]), timeout_s=60, every_s=0.1)
    assert run["state"] == "finished", run
    ids["run"] = str(run["id"])
    ids["sample"] = str(house.steward.runs.samples(ids["run"])[0]["id"])
    _campaign(world, gift)
    for name in ("marker", "marker2", "marker3", "judge"):
        world.tokens[name] = house.person(name).transport.signed()["Authorization"].removeprefix("Bearer ")


def _gift(house: House) -> Gift:
    policy = terms()
    policy["permission"][0]["action"] = ["read", "annotate"]
    terms_id, house.terms_id = house.terms_id, str(house.donor.terms.create(policy)["id"])
    try:
        files = {f"{number}.png": png(number) for number in range(5)}
        return house.give(
            {**files, "note.txt": b"Write to anna.berg@nordvik.se today, and wait for an answer.\nThen call again.\n"},
            title="To be labelled",
        )
    finally:
        house.terms_id = terms_id


def _campaign(world: World, gift: Gift) -> None:
    house, ids = world.house, world.ids
    for name in ("marker", "marker2", "marker3", "judge"):
        house.researcher(name)
    lead = house.person("lead")
    ids["labelling"] = house.project("lead", members=("marker", "marker2", "marker3", "judge"))
    until = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=20)
    sign_and_grant(house, "lead", ids["labelling"], gift, ["read", "annotate"], until)
    ids["campaign"] = str(lead.campaigns.create(campaign(world))["id"])
    for name in ("marker", "marker2", "marker3"):
        lead.campaigns.add_member(ids["campaign"], house.user_id(name), "annotator")
    lead.campaigns.add_member(ids["campaign"], house.user_id("judge"), "reviewer")
    ids["marker3"] = house.user_id("marker3")
    tasks, others = house.person("marker").tasks, house.person("marker2").tasks
    disputed = _labelled(tasks, ids["campaign"], "cat")
    # The second one takes tasks until it has the disputed one.
    second = _labelled(others, ids["campaign"], "dog")
    assert second["item"]["id"] == disputed["item"]["id"], "what has been begun is finished first"
    ids["disputed"] = str(house.person("judge").campaigns.reviews(ids["campaign"])[0]["id"])
    task = tasks.claim(ids["campaign"])
    given_back = others.claim(ids["campaign"])
    assert task is not None
    assert given_back is not None
    ids |= {"task": str(task["id"]), "given_back": str(given_back["id"])}


def _labelled(tasks: Any, campaign_id: str, label: str) -> dict[str, Any]:
    task = tasks.claim(campaign_id)
    assert task is not None
    tasks.save(str(task["id"]), [{"label": label}], revision=task["revision"])
    tasks.submit(str(task["id"]))
    return task


def any_revision(_world: World) -> dict[str, Any]:
    """Return the headers of a change whatever the revision."""
    return {"headers": {"If-Match": "*"}}


def marks(_world: World) -> dict[str, Any]:
    """Return an annotation."""
    return {"marks": [{"label": "dog"}], "comment": ""}


ROWS = [
    # preparation (the version is of a published dataset: outsiders may know of it)
    lists("list_operators", "/operators", "steward"),
    Row("create_recipe", "POST", "/recipes", "steward", 201, wrong_one="donor", other=201, json=recipe),
    Row("list_recipes", "GET", "/recipes", "steward", wrong_one="donor", other=200),
    Row("get_recipe", "GET", "/recipes/{recipe}", "steward", wrong_one="donor", other=200),
    Row("test_recipe", "POST", "/recipes/{recipe}/test", "steward", wrong_one="donor", other=403,
        json=lambda w: {"version_id": w.ids["labelled_version"], "paths": ["note.txt"]}),
    Row("suggest_recipe", "POST", "/recipes/suggestion", "steward", 422, wrong_one="donor", other=403,
        json=lambda w: {"version_id": w.ids["labelled_version"], "path": "note.txt"}),
    Row("create_run", "POST", "/runs", "steward", 201, wrong_one="donor", other=403,
        json=lambda w: {"recipe_id": w.ids["recipe"], "version_id": w.ids["labelled_version"], "mode": "inspect"}),
    lists("list_runs", "/runs", "steward"),
    Row("get_run", "GET", "/runs/{run}", "donor", wrong=404, wrong_one="colleague"),
    Row("stop_run", "POST", "/runs/{run}/stop", "steward", 409),
    Row("get_report", "GET", "/runs/{run}/report", "donor", wrong=404, wrong_one="colleague"),
    Row("list_report_files", "GET", "/runs/{run}/report/files", "donor", wrong=404, wrong_one="colleague"),
    Row("list_review_samples", "GET", "/runs/{run}/review-samples", "steward2"),
    Row("judge_review_sample", "PUT", "/runs/{run}/review-samples/{sample}", "steward2",
        json=lambda w: {"judgement": "right"}),
    Row("get_gate", "GET", "/runs/{run}/gate", "donor", wrong=404, wrong_one="colleague"),
    Row("decide_gate", "POST", "/runs/{run}/gate", "steward2",
        json=lambda w: {"decision": "refuse", "reasons": "A test."}),
    # annotation
    Row("create_campaign", "POST", "/campaigns", "lead", 201, wrong_one="marker", json=campaign),
    lists("list_campaigns", "/campaigns", "lead"),
    Row("get_campaign", "GET", "/campaigns/{campaign}", "marker", wrong=404, wrong_one="colleague"),
    Row("update_campaign", "PATCH", "/campaigns/{campaign}", "lead", wrong_one="marker",
        json=lambda w: {"title": "Changed."}, extra=any_revision),
    Row("list_guidelines", "GET", "/campaigns/{campaign}/guidelines", "marker", wrong=404, wrong_one="colleague"),
    Row("list_campaign_members", "GET", "/campaigns/{campaign}/members", "lead", wrong=404, wrong_one="colleague"),
    Row("add_campaign_member", "POST", "/campaigns/{campaign}/members", "lead", 201, wrong_one="marker",
        json=lambda w: {"user_id": w.ids["marker3"], "role": "reviewer"}),
    Row("remove_campaign_member", "DELETE", "/campaigns/{campaign}/members/{marker3}/reviewer", "lead", 204,
        wrong_one="marker"),
    Row("claim_task", "POST", "/campaigns/{campaign}/claims", "marker3", 201, wrong_one="judge"),
    lists("list_tasks", "/tasks", "marker"),
    Row("get_task", "GET", "/tasks/{task}", "marker", wrong=404, wrong_one="marker2"),
    Row("save_annotation", "PUT", "/tasks/{task}/annotation", "marker", wrong=404, wrong_one="marker2",
        json=marks, extra=any_revision),
    Row("submit_task", "POST", "/tasks/{task}/submission", "marker", wrong=404, wrong_one="marker2"),
    Row("return_task", "POST", "/tasks/{given_back}/return", "marker2", wrong=404, wrong_one="marker"),
    Row("list_reviews", "GET", "/reviews?campaign_id={campaign}", "judge", wrong_one="marker"),
    Row("get_review", "GET", "/reviews/{disputed}", "judge", wrong_one="marker"),
    Row("review_task", "POST", "/reviews/{disputed}", "judge", wrong_one="marker", json=marks),
    Row("get_agreement_statistics", "GET", "/campaigns/{campaign}/agreement", "marker", wrong=404,
        wrong_one="colleague"),
    Row("export_campaign", "GET", "/campaigns/{campaign}/export?format=csv", "lead", wrong_one="marker"),
    Row("import_annotations", "POST", "/campaigns/{campaign}/import?format=csv", "lead", 422, wrong_one="marker",
        extra=lambda w: {"content": b"not a file of annotations"}),
    Row("close_campaign", "POST", "/campaigns/{campaign}/closure", "lead", 202, wrong_one="marker",
        json=lambda w: {"accept_incomplete": True}),
]  # fmt: skip
