"""Runs every check of `make check`, says how each went and how long it took, and fails if one does."""

import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent

CHECKS: list[tuple[str, list[str]]] = [
    ("format", [str(BIN / "ruff"), "format", "--check", "."]),
    ("lint", [str(BIN / "ruff"), "check", "."]),
    ("types", [str(BIN / "basedpyright"), "--level", "error"]),
    ("imports", [str(BIN / "lint-imports"), "--cache-dir", ".factory/cache/imports"]),
    ("proto lint", [str(BIN / "buf"), "lint", "proto"]),
    ("proto format", [str(BIN / "buf"), "format", "-d", "--exit-code", "proto"]),
    ("proto generated", [sys.executable, "scripts/proto.py", "--check"]),
    ("events page", [sys.executable, "-m", "services.kit.events.document", "--check"]),
    ("settings page", [sys.executable, "scripts/docs.py", "--check"]),
    ("policies", [sys.executable, "-m", "services.access.policies.build", "--check"]),
    ("migrations", [sys.executable, "-m", "services", "migrate", "--check"]),
]


def main() -> int:
    """Run the checks one after another; return 1 if any failed."""
    failed: list[str] = []
    for name, command in CHECKS:
        started = time.monotonic()
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        seconds = time.monotonic() - started
        print(f"{'ok  ' if done.returncode == 0 else 'FAIL'} {name:16} {seconds:5.1f} s", flush=True)
        if done.returncode != 0:
            failed.append(name)
            print((done.stdout + done.stderr).rstrip(), flush=True)
    print(f"{len(CHECKS) - len(failed)} passed, {len(failed)} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
