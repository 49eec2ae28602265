"""The compiled law that is committed is the one its sources give, and the build says so when it is not."""

import hashlib
import json
import shutil
import tarfile
from io import BytesIO
from pathlib import Path

import pytest

from services.access.decisions.engine import RULES, EngineUnavailable, WasmEngine
from services.access.decisions.engine.bundle import Bundle, read_bundle
from services.access.policies import BUNDLE, POLICIES, build
from services.access.vocabulary import ACTIONS, PURPOSES
from tests.access.policy.facts import at, read_facts, with_value
from tests.access.policy.law import ask


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of sources and bundle, to be spoilt."""
    return Path(shutil.copytree(POLICIES, tmp_path / "policies", ignore=shutil.ignore_patterns("__pycache__")))


def test_sources_manifest_and_wasm_belong_together() -> None:
    build.check_committed()
    manifest = build.committed_manifest()
    assert manifest["opa_version"] == "1.22.2"
    assert manifest["revision"] == read_bundle().revision
    assert set(manifest["sources"]) == {path.name for path in build.source_files()}
    assert not any(name.endswith("_test.rego") for name in manifest["sources"])


def test_every_source_has_tests_of_its_own() -> None:
    for source in build.source_files():
        assert (POLICIES / f"{source.stem}_test.rego").exists(), source.name


def test_a_changed_source_is_noticed_without_opa(copy: Path) -> None:
    with (copy / "grants.rego").open("a") as source:
        source.write("\n# only a comment\n")
    with pytest.raises(build.BuildFailed, match="sources are not those"):
        build.check_committed(copy, copy / "bundle")


@pytest.mark.parametrize("name", ["policy.wasm", "policy.wasm.sha256", "manifest.json"])
def test_a_changed_bundle_is_noticed_by_the_build_and_refused_by_the_engine(copy: Path, name: str) -> None:
    spoilt = copy / "bundle" / name
    digest = hashlib.sha256((BUNDLE / "policy.wasm").read_bytes()).hexdigest().encode()
    content = spoilt.read_bytes()
    spoilt.write_bytes(content + b"\0" if name == "policy.wasm" else content.replace(digest, b"0" * 64))
    with pytest.raises(build.BuildFailed):
        build.check_committed(copy, copy / "bundle")
    with pytest.raises(EngineUnavailable):
        read_bundle(copy / "bundle")


def test_a_missing_bundle_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EngineUnavailable):
        read_bundle(tmp_path)
    with pytest.raises(build.BuildFailed):
        build.check_committed(POLICIES, tmp_path)


@pytest.mark.parametrize("wasm", [b"", b"not wasm", read_bundle().wasm[:1000], b"\0asm\1\0\0\0"])
def test_what_is_no_policy_does_not_load(wasm: bytes) -> None:
    with pytest.raises(EngineUnavailable):
        WasmEngine(Bundle(wasm, "0" * 64))


def test_without_go_the_hashes_are_still_checked(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("GOBIN", raising=False)
    assert build.main(["--check"]) == 0
    said = capsys.readouterr().out
    assert "Go is absent" in said
    assert said.count("\n") == 1
    assert build.main([]) == 1, "there is nothing to build with"


def test_the_bundle_for_a_production_opa_carries_sources_and_revision() -> None:
    packed = build.opa_bundle()
    assert packed == build.opa_bundle(), "the same sources give the same bytes"
    with tarfile.open(fileobj=BytesIO(packed)) as tar:
        contents = {member.name: member for member in tar}
        assert set(contents) == {".manifest", *(path.name for path in build.source_files())}
        manifest = tar.extractfile(".manifest")
        assert manifest is not None
        assert json.load(manifest)["revision"] == read_bundle().revision


def test_the_law_asks_nothing_of_its_host() -> None:
    """Built-ins that OPA's wasm leaves to the host would fail only when a rule runs: there are none."""
    from opapywasm import OpaWasmPolicy

    policy = OpaWasmPolicy.from_wasm_bytes(read_bundle().wasm)
    assert policy.builtins == {}
    assert list(policy.entrypoints) == ["factory/decision/result"]
    policy.close()


def test_rules_and_purposes_known_to_python_are_those_of_the_law_and_the_schema() -> None:
    assert tuple(ask({})["required"]) == RULES
    schema = json.loads((POLICIES.parent / "decisions" / "input.schema.json").read_text(encoding="utf-8"))
    assert schema["$defs"]["purpose"]["enum"] == list(PURPOSES)
    assert schema["$defs"]["action"]["enum"] == list(ACTIONS)
    for purpose in PURPOSES:
        assert "shape" in ask(with_value(read_facts(), at("request/purpose"), purpose))["passed"]
    for action in ACTIONS:
        assert "shape" in ask(with_value(read_facts(), at("request/action"), action))["passed"]
