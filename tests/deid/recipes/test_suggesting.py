"""Operators are suggested for tables, column by column and with the reason."""

import io
import random

import polars
import pytest

from tests.deid.support import World


def people(rows: int = 200) -> polars.DataFrame:
    draw = random.Random(1)
    return polars.DataFrame(
        {
            "personnummer": [f"19{draw.randrange(40, 99)}0101-{draw.randrange(1000, 9999)}" for _ in range(rows)],
            "kommun": [draw.choice(["Malmö", "Lund", "Umeå"]) for _ in range(rows)],
            "ålder": [draw.randrange(18, 90) for _ in range(rows)],
            "anteckning": ["Patienten mår bra och går hem till sin familj i dag." for _ in range(rows)],
            "värde": [draw.random() for _ in range(rows)],
        }
    )


@pytest.mark.parametrize("path", ["t.csv", "t.parquet"])
async def test_a_table_is_looked_at(world: World, path: str) -> None:
    frame, made = people(), io.BytesIO()
    frame.write_csv(made) if path.endswith("csv") else frame.write_parquet(made)
    version_id = world.version({path: made.getvalue()})
    body = {"version_id": str(version_id), "path": path}
    answer = await world.steward.post("/recipes/suggestion", json=body)
    assert answer.status_code == 200, answer.text
    columns = {column["column"]: column for column in answer.json()["columns"]}
    assert list(columns) == frame.columns
    assert columns["personnummer"]["role"] == "identifier"
    assert columns["ålder"]["role"] == "quasi-identifier"
    assert all(column["reason"] for column in columns.values())
    swedish = await world.steward.post("/recipes/suggestion", json=body, headers={"Accept-Language": "sv"})
    assert swedish.json()["columns"][0]["reason"] != columns["personnummer"]["reason"]
    # What is suggested is a recipe.
    recipe = {"name": "suggested", "description": "x", "operators": answer.json()["operators"]}
    made_recipe = await world.steward.post("/recipes", json=recipe)
    assert made_recipe.status_code == 201, made_recipe.text
    assert all(d.state == "abandoned" for d in world.catalog.derivations.values())


async def test_what_is_no_table_is_said_so(world: World) -> None:
    version_id = world.version({"a.txt": b"Hej", "b.csv": b"", "c.csv": bytes(range(256))})
    for path, code in (
        ("a.txt", "not-a-table"),
        ("b.csv", "not-a-table"),
        ("c.csv", "not-a-table"),
        ("d", "file-unknown"),
    ):
        answer = await world.steward.post("/recipes/suggestion", json={"version_id": str(version_id), "path": path})
        assert answer.status_code == 422
        assert [(e["pointer"], e["code"]) for e in answer.json()["errors"]] == [("/path", code)], path


async def test_only_its_stewards_look_at_a_table(world: World) -> None:
    body = {"version_id": str(world.version({"a.csv": b"a,b\n1,2\n"})), "path": "a.csv"}
    assert (await world.outsider.post("/recipes/suggestion", json=body)).status_code == 404
    assert (await world.donor.post("/recipes/suggestion", json=body)).status_code == 403
