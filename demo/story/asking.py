"""Part 3: a researcher finds the dataset, is told no with reasons and ways to a yes, and goes those ways one by one."""

import datetime
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from datafactory.decisions import Decision

from .arriving import Cast
from .giving import COURSE, Gift, question
from .stage import Person, Stage, expect

WRONG_PURPOSE = "innovation/product-development"
PURPOSE = "research/applied"
FIRST_CODES = {"purpose-not-permitted", "course-not-valid", "grant-absent", "agreement-unsigned"}
CURES = {
    "purpose-not-permitted": "update_project",
    "course-not-valid": "start_attempt",
    "grant-absent": "create_request",
    "agreement-unsigned": "sign_agreement",
}
ANSWERS = Path(__file__).resolve().parent.parent / "answers.json"


@dataclass
class Access:
    """A project with its grant to the dataset."""

    person: Person
    project_id: str
    grant_id: str
    decision: Decision


def today() -> datetime.date:
    """Return today's date in UTC, which has always begun in Sweden too."""
    return datetime.datetime.now(datetime.UTC).date()


def open_project(person: Person, university: str, name: str, purpose: str) -> str:
    """Open a project led by `person`; return its id."""
    project = person.client.projects.create(
        {
            "name": name,
            "purpose": purpose,
            "description": "Recognise digits with small models, and say how sure they are.",
            "partner_ids": [university],
            "collaborative": False,
            "starts_on": today().isoformat(),
            "ends_on": (today() + datetime.timedelta(days=365)).isoformat(),
            "budget_sek": "25000.00",
            "ethics_approval": None,
        }
    )
    return str(project["id"])


def from_no_to_yes(stage: Stage, cast: Cast, gift: Gift) -> Access:
    """Find, ask, be denied with exactly four codes, mend one after another, be permitted."""
    researcher = cast.researcher
    client = researcher.client
    with stage.step("A researcher finds the dataset", researcher.name) as step:
        found = client.datasets.find(gift.title)
        expect(any(d["id"] == gift.dataset_id for d in found), "search finds the published dataset by its title")
        plain = client.datasets.find("handwritten digits")
        expect(any(d["id"] == gift.dataset_id for d in plain), "search finds it by two of its words")
        step.says(f"“handwritten digits” gives {len(plain)} dataset(s)")
    with stage.step("A project is opened", researcher.name) as step:
        project_id = open_project(researcher, cast.university, f"Small models ({stage.run})", WRONG_PURPOSE)
        step.ids["project"] = project_id
        step.says(f"its purpose is {WRONG_PURPOSE}, which the terms do not permit")
    with stage.step("The law says no", researcher.name) as step:
        denied = client.decisions.evaluate(question(gift, project_id, WRONG_PURPOSE))
        codes = set(denied.code_names)
        stage.figures["denied_codes"] = list(denied.code_names)
        expect(
            not denied.permit and codes == FIRST_CODES, f"no with exactly {sorted(FIRST_CODES)}, got {sorted(codes)}"
        )
        for code in denied.codes:
            offered = [cure.operation_id for cure in code.cures]
            expect(CURES[code.code] in offered, f"{code.code} names {CURES[code.code]} as a cure, got {offered}")
        step.ids["decision"] = denied.id
        step.says(", ".join(sorted(codes)) + " — each with its cure")
    after: list[list[str]] = []
    stage.figures["codes_after_each_cure"] = after

    def left(purpose: str, removed: str) -> Decision:
        """Ask again: exactly `removed` must have gone."""
        nonlocal codes
        decision = client.decisions.evaluate(question(gift, project_id, purpose))
        now = set(decision.code_names)
        after.append(list(decision.code_names))
        expect(now == codes - {removed}, f"{removed} alone goes: {sorted(codes - {removed})}, but got {sorted(now)}")
        expect(decision.permit == (not now), "a permit if and only if no code is left")
        codes = now
        return decision

    with stage.step("Cure 1: the purpose is changed", researcher.name) as step:
        client.projects.update(project_id, {"purpose": PURPOSE})
        left(PURPOSE, "purpose-not-permitted")
        step.says(f"to {PURPOSE}, which is recorded; {len(codes)} codes left")
    with stage.step("Cure 2: the course is taken", researcher.name) as step:
        take_course(stage, researcher, fail_first=True)
        left(PURPOSE, "course-not-valid")
        step.says(f"wrong answers failed it, with explanations; right ones passed; {len(codes)} codes left")
    with stage.step("Cure 3: a request becomes a grant", f"{researcher.name}, steward") as step:
        grant_id, agreement_id = request_grant(cast, researcher, gift, project_id)
        left(PURPOSE, "grant-absent")
        step.ids.update(grant=grant_id, agreement=agreement_id)
        step.says(f"after a question and an answer; inert until it is signed; {len(codes)} code left")
    with stage.step("Cure 4: the agreement is signed", researcher.name) as step:
        sign(researcher, agreement_id)
        permitted = left(PURPOSE, "agreement-unsigned")
        stage.figures["permit_after"] = permitted.permit
        expect(permitted.permit and permitted.permit_token is not None, "yes, with a permit")
        duties = ", ".join(str(duty["kind"]) for duty in permitted.obligations) or "none"
        step.ids["decision"] = permitted.id
        step.says(f"the law says yes; duties: {duties}")
    return Access(researcher, project_id, grant_id, permitted)


def second_access(stage: Stage, cast: Cast, gift: Gift) -> Access:
    """Give another person of the same university a project and a grant of their own."""
    lead = cast.lead
    with stage.step("A second project gets its own grant", "lead, steward") as step:
        project_id = open_project(lead, cast.university, f"Benchmarks ({stage.run})", "benchmarking")
        take_course(stage, lead, fail_first=False)
        grant_id, agreement_id = request_grant(cast, lead, gift, project_id, "benchmarking")
        sign(lead, agreement_id)
        decision = lead.client.decisions.evaluate(question(gift, project_id, "benchmarking"))
        expect(decision.permit, f"yes for the second project, but got {list(decision.code_names)}")
        step.ids.update(project=project_id, grant=grant_id)
        step.says("same dataset, another project, purpose benchmarking")
    return Access(lead, project_id, grant_id, decision)


def take_course(stage: Stage, person: Person, *, fail_first: bool) -> None:
    """Take the course the terms require, unless it is taken. The demo has studied: answers.json is its own notes."""
    courses = person.client.courses
    if any(completion["course"] == COURSE and completion["valid"] for completion in courses.completions()):
        return
    notes: dict[str, str] = json.loads(ANSWERS.read_text(encoding="utf-8"))["answers"]
    if fail_first:
        attempt = courses.start(COURSE)
        expect(len(attempt["questions"]) > 1, "a course attempt draws questions")
        wrong = {q["id"]: _other(q, notes[q["id"]]) for q in attempt["questions"]}
        result = courses.submit(str(attempt["id"]), wrong)
        expect(result["passed"] is False, "wrong answers fail the course")
        explained = all(mistake["explanation"] for mistake in result["mistakes"])
        expect(bool(result["mistakes"]) and explained, "every mistake is explained")
    attempt = courses.start(COURSE)
    result = courses.submit(str(attempt["id"]), {q["id"]: notes[q["id"]] for q in attempt["questions"]})
    expect(result["passed"] is True, f"right answers pass the course, but the score was {result['score']}")


def _other(drawn: dict[str, Any], right: str) -> str:
    return next(str(option["id"]) for option in drawn["options"] if option["id"] != right)


def request_grant(
    cast: Cast,
    person: Person,
    gift: Gift,
    project_id: str,
    purpose: str = PURPOSE,
    actions: tuple[str, ...] = ("read",),
) -> tuple[str, str]:
    """Ask for access, answer the steward's question, be granted. Returns the ids of grant and agreement."""
    request = person.client.requests.create(
        project_id=project_id,
        dataset_id=gift.dataset_id,
        actions=list(actions),
        purpose=purpose,
        purpose_text="We compare small models on scanned digits and publish how well they know their own errors.",
        until=datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=90),
    )
    request_id = str(request["id"])
    steward = cast.steward.client.requests
    steward.ask(request_id, "Where will the results be published?")
    person.client.requests.answer(request_id, "Openly, with the code, naming the donor.")
    decided = steward.decide(request_id, approve=True, reasons="The purpose fits the terms.")
    return str(decided["grant_id"]), str(decided["agreement_id"])


def sign(person: Person, agreement_id: str) -> None:
    """Read the agreement and accept the very text that was read."""
    agreement = person.client.requests.agreement(agreement_id)
    person.client.requests.sign(agreement_id, str(agreement["digest"]))
