"""Part 1: the factory gets an operator, partners and people with roles."""

from dataclasses import dataclass
from typing import Any

from .stage import Person, Stage, expect

DONOR_PARTNER = ("Nordvik Sensorik AB", "industry", "SE")
UNIVERSITY = ("Solvik universitet", "academia", "SE")
OUTSIDE = ("Utanför Konsult AB", "industry", "SE")


@dataclass
class Cast:
    """Who takes part, and for whom."""

    operator: Person
    donor: Person
    steward: Person
    steward2: Person
    researcher: Person
    lead: Person
    outsider: Person
    donor_partner: str
    university: str


def arrive(stage: Stage) -> Cast:
    """Sign everyone in and give them their places. What an earlier run left is used again."""
    operator = stage.person("operator")
    _operator(stage, operator)
    with stage.step("Partners join", "operator") as step:
        partners = {partner["name"]: str(partner["id"]) for partner in operator.client.partners.all()}
        for name, sector, country in (DONOR_PARTNER, UNIVERSITY, OUTSIDE):
            if name not in partners:
                partners[name] = str(operator.client.partners.create(name, sector, country)["id"])
            step.ids[name] = partners[name]
        step.says(f"{DONOR_PARTNER[0]} gives data, {UNIVERSITY[0]} does research, {OUTSIDE[0]} stands outside")
    donor_partner, university = partners[DONOR_PARTNER[0]], partners[UNIVERSITY[0]]
    with stage.step("People sign in and get their roles", "operator") as step:
        people = {
            name: stage.person(name)
            for name in ("donor", "steward", "steward2", "lead", "outsider", f"researcher-{stage.run}")
        }
        researcher = people.pop(f"researcher-{stage.run}")
        belongs(operator, stage.person("researcher"), university)  # for whoever tries the factory afterwards
        belongs(operator, people["donor"], donor_partner)
        belongs(operator, people["lead"], university)
        belongs(operator, people["outsider"], partners[OUTSIDE[0]])
        belongs(operator, researcher, university)
        _role(operator, people["donor"], "donor", donor_partner)
        _role(operator, people["steward"], "steward", donor_partner)
        _role(operator, people["steward2"], "steward", donor_partner)
        step.ids["researcher"] = researcher.id
        step.says(f"each by OpenID Connect's code flow; {researcher.name} is new to the factory")
    return Cast(operator=operator, researcher=researcher, donor_partner=donor_partner, university=university, **people)


def _operator(stage: Stage, operator: Person) -> None:
    if any(role["role"] == "operator" for role in operator.client.partners.me()["roles"]):
        return
    with stage.step("The first operator redeems the one-time secret", "operator") as step:
        expect(
            stage.operator_secret is not None,
            "this factory has no operator yet: set FACTORY_DEMO_OPERATOR_SECRET to the secret it printed at its start",
        )
        me = operator.client.partners.redeem_operator_secret(stage.operator_secret or "")
        roles = [role["role"] for role in me["roles"]]
        expect("operator" in roles, f"redeeming the secret makes an operator, but the roles are {roles}")
        step.says("it works once; from now on operators are made by operators")


def belongs(operator: Person, person: Person, partner_id: str) -> None:
    """Let a person belong to a partner, unless they do."""
    partner: dict[str, Any] | None = person.client.partners.me()["partner"]
    if partner is None or partner["id"] != partner_id:
        operator.client.partners.add_member(partner_id, person.id)
        person.client.transport.forget_token()


def _role(operator: Person, person: Person, role: str, partner_id: str) -> None:
    roles: list[dict[str, Any]] = person.client.partners.me()["roles"]
    if not any(held["role"] == role and held["scope"]["id"] == partner_id for held in roles):
        operator.client.partners.assign_role(person.id, role, "partner", partner_id)
        person.client.transport.forget_token()
