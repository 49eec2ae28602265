"""What is made of a version is no more to be read at rest than what was donated."""

import secrets

import pytest

from tests.catalog.derivations.maker import Maker
from tests.catalog.support import World
from tests.catalog.test_secrecy import assert_absent, haystacks, rows


async def test_a_marker_is_found_nowhere(world: World, deid: Maker, capfd: pytest.CaptureFixture[str]) -> None:
    marker = f"marker{secrets.token_hex(16)}"
    content = (marker.encode() + b"|") * 2000
    kept, source = f"{marker}/kept.txt", f"{marker}/source-{marker}.txt"
    raw = await world.accept(await world.submitted({kept: content, source: content + b"2"}, personal_data="yes"))
    derived = await deid.opened(world.steward, raw)
    assert (await derived.contents([source]))[source] == content + b"2"
    await derived.staged({f"{marker}.txt": content + b"3"}, source=source)
    assert (await derived.put(f"large-{marker}", content * 40, source=source)).status_code == 200
    assert (await derived.keep([kept])).status_code == 200
    await derived.stage({f"../{marker}": b"1"})
    await derived.stage({f"{marker}.TXT": b"1"})
    await derived.stage({"x": b"1"}, source=f"{marker}.gone")
    await derived.stage({"x": b"1"}, media_type=f"{marker} ?")
    await derived.read([f"{marker}.gone"])
    await derived.put(f"../{marker}", b"1")
    needles = [marker.encode(), marker.encode("utf-16-le"), marker.upper().encode()]
    assert_absent(needles, haystacks(world.folder))
    assert_absent(needles, await rows(world))
    made = await derived.committed()
    assert (await deid.gate(world.steward2, made["version_id"], derived.id)).status_code == 200
    permit = world.permit(world.researcher, made["version_id"])
    assert (await world.researcher.download(made["version_id"], kept, permit)).content == content
    abandoned = await deid.opened(world.steward, raw)
    await abandoned.staged({f"{marker}.txt": content})
    await abandoned.abandon()
    await world.erase()
    assert_absent(needles, haystacks(world.folder))
    assert_absent(needles, await rows(world))
    out, err = capfd.readouterr()
    assert_absent(needles, iter([("stdout", out.encode()), ("stderr", err.encode())]))
