"""The report: what a run found, treated, left and withheld, in sum and file by file, without anything from a file."""

import pytest

from services.kit.ids import new_id
from tests.deid.gate.support import GOOD, FileOfRun, World, picture, table, text, withheld


async def test_a_report_adds_up_what_was_found_and_treated(world: World) -> None:
    files = [text("a.txt", treated=3, untreated=5), text("b.txt", treated=2, untreated=1), withheld("c.bin")]
    run_id = await world.finished([*files, picture("d.jpg", 2)])
    report = await world.steward.report(run_id)
    assert report["found"] == {"phone": {"found": 5, "treated": 5}, "face": {"found": 2, "treated": 2}}
    assert (report["mode"], report["untreated"]) == ("treat", 0)
    assert report["files"] == {"total": 4, "treated": 3, "withheld": 1}
    assert report["pictures"] == {
        "files": 1, "faces_found": 2, "faces_treated": 2, "faces_filled": 1, "strength_least": 0.25,
    }  # fmt: skip
    assert report["review"]["places"] == {"treated": {"image": 2, "text": 5}, "untreated": {"image": 1, "text": 6}}
    run = await world.run(run_id)
    assert (report["version_id"], report["result_version_id"]) == (str(run.version_id), str(run.result_version_id))


async def test_what_was_found_and_left_is_told(world: World) -> None:
    report = await world.steward.report(await world.finished([text("a.txt", treated=3, left=2, untreated=5)]))
    assert report["found"]["phone"] == {"found": 5, "treated": 3}
    assert report["untreated"] == 2


async def test_who_only_looks_has_treated_nothing(world: World) -> None:
    run_id = await world.finished([text("a.txt", treated=3, untreated=5)], mode="inspect")
    report = await world.steward.report(run_id)
    assert report["found"]["phone"] == {"found": 3, "treated": 0}
    assert (report["mode"], report["result_version_id"], report["untreated"]) == ("inspect", None, 3)


@pytest.mark.parametrize(("language", "said"), [("sv", "Filens slag är okänt"), ("en", "The file is of a kind")])
async def test_withheld_files_are_named_with_the_reason_in_words(world: World, language: str, said: str) -> None:
    run_id = await world.finished([*GOOD, withheld("x.bin"), withheld("y.bin", "out-of-memory"), withheld("z.bin")])
    answer = await world.steward.get(f"/runs/{run_id}/report", headers={"Accept-Language": language})
    report = answer.json()
    assert [(w["path"], w["reason"]) for w in report["withheld"]] == [
        ("x.bin", "type-unknown"), ("y.bin", "out-of-memory"), ("z.bin", "type-unknown"),
    ]  # fmt: skip
    assert report["withheld"][0]["text"].startswith(said)
    assert report["withheld_reasons"] == {"out-of-memory": 1, "type-unknown": 2}


async def test_a_report_names_a_hundred_withheld_files_and_counts_all(world: World) -> None:
    report = await world.steward.report(await world.finished(withheld(f"{n:03}.bin") for n in range(120)))
    assert (len(report["withheld"]), report["withheld_reasons"]) == (100, {"type-unknown": 120})


async def test_samples_show_form_before_and_text_after_for_each_kind(world: World) -> None:
    files = [text(f"{n}.txt", treated=9, kind=kind) for kind in ("email", "phone") for n in range(8)]
    report = await world.steward.report(await world.finished(files))
    kinds = [sample["kind"] for sample in report["samples"]]
    assert (kinds.count("email"), kinds.count("phone")) == (3, 3)
    sample = report["samples"][-1]
    assert (sample["shape"], sample["after"], sample["operator"]) == ("999-99 99", "[PHONE]", "text.phone")
    assert (sample["treated"], sample["place"].startswith("characters ")) == (True, True)


async def test_tables_are_listed_the_worst_first(world: World) -> None:
    files = [table("good.csv", 9), table("none.csv", None), table("bad.csv", 2, unique_share=0.1), *GOOD]
    report = await world.steward.report(await world.finished(files))
    assert [(t["path"], t["k_min"]) for t in report["tables"]] == [("none.csv", None), ("bad.csv", 2), ("good.csv", 9)]
    bad = report["tables"][1]
    assert (bad["unique_share"], bad["rows_kept_share"], bad["utility_loss"]) == (0.1, 0.97, 0.2)
    assert report["tables_sum"] == {
        "files": 3, "measured": 2, "without_people": 0, "k_min": 2, "k_before": None,
    }  # fmt: skip


async def test_of_many_tables_the_worst_are_kept(world: World) -> None:
    files = [table(f"{n}.csv", k=n + 2, rows=1) for n in range(130)]
    report = await world.steward.report(await world.finished(files))
    assert [t["k_min"] for t in report["tables"]] == list(range(2, 102))
    assert report["tables_sum"]["k_min"] == 2


async def test_a_run_without_files_has_a_report_too(world: World) -> None:
    report = await world.steward.report(await world.finished([], mode="inspect"))
    assert report["files"] == {"total": 0, "treated": 0, "withheld": 0}
    assert (report["review"]["drawn"], report["review"]["recall"]) == (0, None)


async def test_the_list_of_files_is_paged_and_filtered(world: World) -> None:
    files = [text("a.txt", treated=2), withheld("b.bin"), table("c.csv", 7), FileOfRun("d.txt"), withheld("e.bin")]
    run_id = await world.finished(files)
    url = f"/runs/{run_id}/report/files"
    first = (await world.steward.get(url, params={"limit": 3})).json()
    rest = (await world.steward.get(url, params={"limit": 3, "after": first["next_cursor"]})).json()
    items = first["items"] + rest["items"]
    assert [(f["number"], f["path"], f["family"]) for f in items] == [
        (1, "a.txt", "text"), (2, "b.bin", "other"), (3, "c.csv", "table"), (4, "d.txt", "text"), (5, "e.bin", "other"),
    ]  # fmt: skip
    assert rest["next_cursor"] is None
    assert items[0]["found"] == {"phone": {"found": 2, "treated": 2}}
    assert items[2]["measures"]["k_min"] == 7
    assert (items[1]["state"], items[1]["reason"]) == ("withheld", "type-unknown")
    assert items[1]["text"].startswith("The file is of a kind")
    only = (await world.steward.get(url, params={"state": "withheld"})).json()["items"]
    assert [f["number"] for f in only] == [2, 5]
    for wrong in ({"state": "waiting"}, {"after": "x"}, {"limit": 0}, {"colour": "red"}):
        assert (await world.steward.get(url, params=wrong)).status_code == 422


async def test_a_report_is_for_the_donor_and_its_stewards(world: World) -> None:
    run_id = await world.finished(GOOD)
    for path in ("report", "report/files", "gate"):
        url = f"/runs/{run_id}/{path}"
        for person in (world.steward, world.steward2, world.case_steward, world.donor):
            assert (await person.get(url)).status_code == 200
        assert (await world.outsider.get(url)).status_code == 404
        assert (await world.steward.get(f"/runs/{new_id()}/{path}")).status_code == 404
        assert (await world.client.get(f"/api/v1{url}")).status_code == 401


@pytest.mark.parametrize("state", ["queued", "running", "failed", "stopped"])
async def test_before_a_run_has_finished_there_is_no_report(world: World, state: str) -> None:
    run_id = await world.finished(GOOD, state=state)
    for path in ("report", "report/files", "review-samples", "gate"):
        answer = await world.steward.get(f"/runs/{run_id}/{path}")
        assert (answer.status_code, answer.json()["code"]) == (409, "run-not-finished")
    answer = await world.steward2.decide(run_id)
    assert (answer.status_code, answer.json()["code"]) == (409, "run-not-finished")
    assert await world.facts() == []


async def test_that_a_report_can_be_read_is_said_once(world: World) -> None:
    run_id = await world.finished(GOOD)
    run = await world.run(run_id)
    ((kind, message, revision),) = await world.facts()
    assert kind == "factory.deid.report.published.v1"
    assert (message.run_id, message.version_id) == (str(run_id), str(run.result_version_id))
    assert revision == run.revision == 4


async def test_a_report_says_what_its_reader_may_do(world: World) -> None:
    run_id = await world.finished(GOOD)

    async def may(person: str) -> dict[str, str | None]:
        report = await getattr(world, person).report(run_id)
        return {action["action"]: action["reason"] for action in report["allowed_actions"]}

    assert await may("steward") == {"judge": None, "decide_gate": "second-steward-required"}
    assert await may("steward2") == {"judge": None, "decide_gate": None}
    assert await may("donor") == {"judge": "role-required", "decide_gate": "role-required"}


async def test_when_the_dataset_is_withdrawn_nothing_of_the_report_is_left_to_read(world: World) -> None:
    run_id = await world.finished(GOOD)
    await world.withdraw()
    for path in ("report", "report/files", "review-samples"):
        answer = await world.steward.get(f"/runs/{run_id}/{path}")
        assert (answer.status_code, answer.json()["code"]) == (410, "dataset-withdrawn")
