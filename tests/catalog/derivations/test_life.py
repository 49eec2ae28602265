"""A version is made from another: opened by a steward, read, written, committed; nothing of it is seen before."""

from uuid import UUID

from services.kit.ids import new_id
from tests.catalog.derivations.maker import Maker
from tests.catalog.support import World, sha

FILES = {"a/1.txt": b"Anna", "a/2.txt": b"Bo", "b.csv": b"x,y\n1,2\n", "empty.txt": b""}


async def test_a_recipe_makes_the_next_version(world: World) -> None:
    donation_id = await world.submitted(FILES, personal_data="yes")
    first = await world.accept(donation_id)
    deid = Maker(world)
    run_id = new_id()
    derived = await deid.opened(world.steward, first, id=run_id)
    facts = derived.facts
    assert facts["parent"] == {
        "version_id": first, "number": 1, "state": "committed", "gate": "required", "files": 4, "bytes": 14,
        "source_kind": "donation",
    }  # fmt: skip
    assert (facts["id"], facts["donation_id"], facts["personal_data"]) == (str(run_id), donation_id, "yes")
    assert (facts["partner_id"], facts["integrity_class"]) == (str(world.partner_id), "internal")
    assert (facts["terms"]["gate"], facts["state"], facts["staged"]) == ("none", "open", 0)

    listed = (await derived.files()).json()
    assert [f["path"] for f in listed["items"]] == sorted(FILES) and listed["next"] is None
    assert listed["items"][0] == {"path": "a/1.txt", "size": 4, "sha256": sha(b"Anna"), "media_type": "text/plain"}
    assert await derived.contents(["b.csv", "a/1.txt", "empty.txt"]) == {
        p: FILES[p] for p in ("b.csv", "a/1.txt", "empty.txt")
    }

    await derived.staged({"a/1.txt": b"[name]", "a/2.txt": b"[name]"}, source="a/1.txt", media_type="text/plain")
    assert (await derived.keep(["empty.txt"])).json() == {"staged": 1}
    put = await derived.put("b.csv", b"x,y\n*,2\n", source="b.csv")
    assert put.json() == {"sha256": sha(b"x,y\n*,2\n"), "size": 8}
    assert (await derived.get()).json()["staged"] == 4
    assert (await world.steward.get(f"/versions/{derived.version_id}")).status_code == 404
    versions = (await world.steward.get(f"/datasets/{facts['dataset_id']}/versions")).json()["items"]
    assert [v["number"] for v in versions] == [1]

    details = {"recipe": {"id": str(new_id()), "number": 1}, "operators": [{"name": "text.name", "version": "1"}]}
    made = await derived.committed(**details)
    assert (made["version_id"], made["number"], made["files"], made["bytes"]) == (derived.version_id, 2, 4, 20)
    assert made["gate"] == "required"
    assert await derived.committed(**details) == made, "asking again gives the same"
    version = (await world.steward.get(f"/versions/{derived.version_id}")).json()
    assert (version["state"], version["digest"], version["number"]) == ("committed", made["digest"], 2)
    lineage = (await world.steward.get(f"/versions/{derived.version_id}/lineage")).json()
    assert lineage["parents"] == [
        {
            "version_id": derived.version_id,
            "parent_version_id": first,
            "source_kind": "recipe",
            "source_id": str(run_id),
            "details": details,
        }
    ]
    children = (await world.steward.get(f"/versions/{first}/lineage")).json()["children"]
    assert [edge["version_id"] for edge in children] == [derived.version_id]

    refused = await deid.gate(world.steward, derived.version_id, str(run_id))
    assert (refused.status_code, refused.json()["code"]) == (403, "second-steward-required")
    passed = await deid.gate(world.steward2, derived.version_id, str(run_id))
    assert passed.status_code == 200, passed.text
    assert (passed.json()["state"], passed.json()["gate"]) == ("released", "passed")
    permit = world.permit(world.researcher, derived.version_id)
    for path, content in {"a/1.txt": b"[name]", "b.csv": b"x,y\n*,2\n", "empty.txt": b""}.items():
        answer = await world.researcher.download(derived.version_id, path, permit)
        assert (answer.status_code, answer.content) == (200, content)
    assert (await world.events())[-2:] == [
        "factory.catalog.version.committed.v1",
        "factory.catalog.version.released.v1",
    ]
    assert UUID(derived.version_id) != UUID(first)
