"""Datasets are found in Swedish and English, exact names first, by those who may know of them."""

from typing import Any

import pytest

from tests.catalog.support import World


async def published(world: World, title: str, description: str = "Measurements.", **more: Any) -> str:
    """Publish a dataset; return its id."""
    content = f"{title}{description}".encode()
    version_id = await world.released({"a.csv": content}, title=title, description=description, **more)
    return await world.publish(version_id)


async def titles(world: World, **params: Any) -> list[str]:
    answer = await world.researcher.get("/datasets", params=params)
    assert answer.status_code == 200, answer.text
    return [item["title"] for item in answer.json()["items"]]


async def test_words_are_found_in_the_forms_of_both_languages(world: World) -> None:
    await published(world, "Fotografier av broar", "Sprickor i betong, fotograferade under vintern.")
    await published(world, "Handwritten digits", "Scanned images of digits that people wrote.")
    assert await titles(world, q="fotografi") == ["Fotografier av broar"]
    assert await titles(world, q="spricka") == ["Fotografier av broar"]
    assert await titles(world, q="digit") == ["Handwritten digits"]
    assert await titles(world, q="scanning images") == ["Handwritten digits"]
    assert await titles(world, q='"people wrote"') == ["Handwritten digits"]
    assert await titles(world, q="digits -handwritten") == []
    assert await titles(world, q="helikopter") == []


async def test_exact_names_come_first_whatever_else_is_full_of_the_word(world: World) -> None:
    await published(world, "Falls at home, falls at work", "Falls, falls and more falls.")
    await published(world, "Falls")
    assert (await titles(world, q="falls"))[0] == "Falls"
    assert (await titles(world, q="FALLS"))[0] == "Falls"


@pytest.mark.parametrize("text", ["'; DROP TABLE datasets; --", "a & | ! ( ) : *", '"', "\\", "%", "<b>", "🧪", "- -"])
async def test_nothing_that_is_typed_breaks_a_search(world: World, text: str) -> None:
    await published(world, "A")
    assert (await world.researcher.get("/datasets", params={"q": text})).status_code == 200


async def test_only_those_who_may_know_find_what_is_not_published(world: World) -> None:
    await world.released({"a": b"1"}, title="Secret so far")
    for person, sees in ((world.outsider, 0), (world.researcher, 0), (world.colleague, 1), (world.steward, 1)):
        for params in ({"q": "secret"}, {"state": "draft"}, {}):
            found = (await person.get("/datasets", params=params)).json()
            assert len(found["items"]) == sees, (person, params)
            assert sum(value["count"] for value in found["facets"]["state"]) == sees


async def test_facets_count_everything_found_and_filters_narrow_it(world: World) -> None:
    research = world.terms(purposes={"any": False, "list": ["research"]}, actions=["read"])
    anything = world.terms(purposes={"any": True, "list": []}, actions=["read", "train"])
    await published(world, "One", terms_id=research, integrity_class="open")
    await published(world, "Two", terms_id=anything, integrity_class="internal")
    found = (await world.researcher.get("/datasets", params={"limit": 1})).json()
    counts = {name: {v["value"]: v["count"] for v in values} for name, values in found["facets"].items()}
    assert counts["integrity_class"] == {"open": 1, "internal": 1}
    assert counts["purpose"] == {"research": 1, "any": 1}
    assert counts["action"] == {"read": 2, "train": 1}
    assert counts["media_type"] == {"text/csv": 2}
    assert await titles(world, integrity_class="open") == ["One"]
    assert await titles(world, action="train") == ["Two"]
    assert set(await titles(world, purpose="research/health")) == {"One", "Two"}
    assert await titles(world, purpose="education") == ["Two"]
    assert set(await titles(world, media_type="text/csv")) == {"One", "Two"}
    assert await titles(world, media_type="image/png") == []


@pytest.mark.parametrize("q", [None, "measurements"])
async def test_pages_join_without_gaps_or_repeats(world: World, q: str | None) -> None:
    for number in range(5):
        await published(world, f"Set {number}")
    seen: list[str] = []
    after: str | None = None
    while True:
        params = {"limit": 2, **({"q": q} if q else {}), **({"after": after} if after else {})}
        answer = (await world.researcher.get("/datasets", params=params)).json()
        seen += [item["title"] for item in answer["items"]]
        after = answer["next_cursor"]
        if after is None:
            break
    assert sorted(seen) == [f"Set {number}" for number in range(5)]


@pytest.mark.parametrize(
    ("params", "pointer"),
    [
        ({"after": "nonsense"}, "query:after"),
        ({"after": "WyJhIl0"}, "query:after"),
        ({"limit": 0}, "query:limit"),
        ({"state": "lost"}, "query:state"),
        ({"purpose": "a b;"}, "query:purpose"),
        ({"partner_id": "acme"}, "query:partner_id"),
        ({"query": "x"}, "query:query"),
    ],
)
async def test_a_wrong_parameter_is_named(world: World, params: dict[str, Any], pointer: str) -> None:
    answer = await world.researcher.get("/datasets", params=params)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)
