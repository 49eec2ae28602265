"""Compiles the law into `bundle/` with the pinned OPA, or checks that what is committed is what the sources give.

    python -m services.access.policies.build            test, format, compile, write
    python -m services.access.policies.build --check    test, compile, compare bytes; write nothing
    python -m services.access.policies.build --opa-bundle law.tar.gz    the bundle a production OPA loads

Without Go (and without the pinned `opa`) nothing is compiled, which is said in one line; the hash of the sources is
still held against `manifest.json`, so a changed law with an old bundle never passes.
"""

import argparse
import gzip
import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypedDict

from services.access.policies import BUNDLE, POLICIES

OPA_VERSION = "1.22.2"
OPA_MODULE = f"github.com/open-policy-agent/opa@v{OPA_VERSION}"
ENTRYPOINT = "factory/decision/result"


class Manifest(TypedDict):
    """What the bundle was made of. `revision` is the SHA-256 over the sources, which decisions record."""

    schema: int
    revision: str
    opa_version: str
    entrypoint: str
    wasm_sha256: str
    sources: dict[str, str]


class BuildFailed(Exception):
    """The law does not build, or what is committed is not what it builds to."""


def source_files(folder: Path = POLICIES) -> list[Path]:
    """Return the Rego files that are law (its tests are not), by name."""
    return sorted(path for path in folder.glob("*.rego") if not path.name.endswith("_test.rego"))


def source_hashes(folder: Path = POLICIES) -> dict[str, str]:
    """Return file name → SHA-256 (hex) of each source."""
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in source_files(folder)}


def revision_of(hashes: Mapping[str, str]) -> str:
    """Return the SHA-256 (hex) over names and hashes of the sources, in the order of their names."""
    listing = "".join(f"{digest}  {name}\n" for name, digest in sorted(hashes.items()))
    return hashlib.sha256(listing.encode()).hexdigest()


def committed_manifest(bundle: Path = BUNDLE) -> Manifest:
    """Return the committed manifest. Raises BuildFailed when there is none."""
    try:
        return json.loads((bundle / "manifest.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BuildFailed(f"no readable {bundle.name}/manifest.json: run without --check first") from error


def check_committed(folder: Path = POLICIES, bundle: Path = BUNDLE) -> None:
    """Hold sources, manifest, wasm and its hash file against each other, by hashes alone. Raises BuildFailed."""
    manifest = committed_manifest(bundle)
    hashes = source_hashes(folder)
    if manifest["sources"] != hashes or manifest["revision"] != revision_of(hashes):
        raise BuildFailed("the Rego sources are not those of the committed bundle: rebuild it")
    if manifest["opa_version"] != OPA_VERSION or manifest["entrypoint"] != ENTRYPOINT:
        raise BuildFailed("the committed bundle was built by another OPA version or for another entrypoint: rebuild it")
    wasm_sha256 = hashlib.sha256((bundle / "policy.wasm").read_bytes()).hexdigest()
    said = (bundle / "policy.wasm.sha256").read_text(encoding="ascii").split()
    if said != [wasm_sha256, "policy.wasm"] or manifest["wasm_sha256"] != wasm_sha256:
        raise BuildFailed("policy.wasm is not the file its hash names: rebuild it")


def _run(command: Sequence[str | Path], cwd: Path, env: Mapping[str, str] | None = None) -> str:
    done = subprocess.run(
        [str(part) for part in command], cwd=cwd, env=env, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise BuildFailed(f"{Path(str(command[0])).name} {command[1]}: {(done.stdout + done.stderr).strip()}")
    return done.stdout


def _is_pinned(opa: Path) -> bool:
    try:
        return f"Version: {OPA_VERSION}\n" in _run([opa, "version"], POLICIES)
    except (OSError, BuildFailed):
        return False


def find_opa() -> Path | None:
    """Return the pinned `opa` from PATH, $GOBIN or GOPATH/bin, or None. Another version is not taken."""
    folders = [Path(part) for part in os.environ.get("PATH", "").split(os.pathsep) if part]
    if gobin := os.environ.get("GOBIN"):
        folders.append(Path(gobin))
    if go := shutil.which("go"):
        gopath = _run([go, "env", "GOPATH"], POLICIES).strip()
        folders += [Path(part) / "bin" for part in gopath.split(os.pathsep) if part]
    for folder in folders:
        opa = folder / "opa"
        if opa.is_file() and os.access(opa, os.X_OK) and _is_pinned(opa):
            return opa
    return None


def install_opa() -> Path | None:
    """`go install` the pinned OPA where Go is (60 MB, a minute or two, once). Returns it, or None without Go."""
    go = shutil.which("go")
    if go is None:
        return None
    print(f"build: installing opa {OPA_VERSION} with go (once, a minute or two)", flush=True)
    _run([go, "install", OPA_MODULE], POLICIES)
    return find_opa()


def test_law(opa: Path, folder: Path = POLICIES) -> None:
    """Run the formatter (checking), the strict compiler and the law's own tests. Raises BuildFailed."""
    files = sorted(folder.glob("*.rego"))
    _run([opa, "fmt", "--fail", "--list", *files], folder)
    _run([opa, "check", "--strict", *files], folder)
    _run([opa, "test", *files], folder)


def compile_law(opa: Path, folder: Path = POLICIES) -> bytes:
    """Return `policy.wasm` of the sources. The same sources give the same bytes."""
    with tempfile.TemporaryDirectory() as scratch:
        archive = Path(scratch) / "law.tar.gz"
        names = [path.name for path in source_files(folder)]
        _run([opa, "build", "-t", "wasm", "-e", ENTRYPOINT, "-o", archive, *names], folder)
        with tarfile.open(archive, "r:gz") as tar:
            member = tar.extractfile("/policy.wasm")
            if member is None:
                raise BuildFailed("opa build gave no policy.wasm")
            return member.read()


def write_bundle(wasm: bytes, folder: Path = POLICIES, bundle: Path = BUNDLE) -> None:
    """Write `policy.wasm`, its hash and the manifest."""
    bundle.mkdir(exist_ok=True)
    digest = hashlib.sha256(wasm).hexdigest()
    hashes = source_hashes(folder)
    manifest: Manifest = {
        "schema": 1,
        "revision": revision_of(hashes),
        "opa_version": OPA_VERSION,
        "entrypoint": ENTRYPOINT,
        "wasm_sha256": digest,
        "sources": hashes,
    }
    (bundle / "policy.wasm").write_bytes(wasm)
    (bundle / "policy.wasm.sha256").write_text(f"{digest}  policy.wasm\n", encoding="ascii")
    (bundle / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")


def opa_bundle(folder: Path = POLICIES) -> bytes:
    """Return the tar.gz that a production OPA loads (`opa run --server --bundle law.tar.gz`): sources and revision.

    OPA tells the revision with every decision (`?provenance=true`), and the engine refuses any other than its own.
    Needs no OPA to make; the same sources give the same bytes.
    """
    revision = revision_of(source_hashes(folder))
    members = {".manifest": json.dumps({"revision": revision, "roots": ["factory"], "rego_version": 1}).encode()}
    members |= {path.name: path.read_bytes() for path in source_files(folder)}
    packed = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=packed, mode="wb", filename="", mtime=0) as zipped,
        tarfile.open(fileobj=zipped, mode="w", format=tarfile.USTAR_FORMAT) as tar,
    ):
        for name, content in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            entry.mode = 0o644
            tar.addfile(entry, io.BytesIO(content))
    return packed.getvalue()


def build(check: bool) -> str:
    """Build the law, or with `check` compare it with what is committed. Returns what was done, in one line."""
    if check:
        check_committed()
    opa = find_opa() or install_opa()
    if opa is None:
        if not check:
            raise BuildFailed(f"building needs opa {OPA_VERSION}, or Go to install it")
        return f"law: sources match the committed bundle; Go is absent, so opa {OPA_VERSION} did not rebuild it"
    test_law(opa)
    wasm = compile_law(opa)
    if not check:
        write_bundle(wasm)
        return f"law: built revision {committed_manifest()['revision'][:12]}"
    if wasm != (BUNDLE / "policy.wasm").read_bytes():
        raise BuildFailed("rebuilding gives another policy.wasm than the committed one")
    return f"law: tested, rebuilt and equal, revision {committed_manifest()['revision'][:12]}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line. Returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m services.access.policies.build", description="Build the law.")
    parser.add_argument("--check", action="store_true", help="write nothing; fail when the committed bundle differs")
    parser.add_argument("--opa-bundle", type=Path, metavar="FILE", help="write the bundle that a production OPA loads")
    options = parser.parse_args(arguments)
    try:
        if options.opa_bundle:
            check_committed()
            options.opa_bundle.write_bytes(opa_bundle())
            print(f"law: wrote {options.opa_bundle}")
            return 0
        print(build(check=options.check))
    except BuildFailed as error:
        print(f"law: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
