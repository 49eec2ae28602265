"""The client and the demo are outsiders: nothing of the factory's own code, few packages, all of them pinned."""

import ast
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CLIENT = ROOT / "clients" / "python"
DEMO = ROOT / "demo"
OWN = {"services", "gateway", "tests"}


def imported(file: Path) -> set[str]:
    """Return the top-level names that a file imports."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {name.name.partition(".")[0] for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
    return found


def everything(folder: Path) -> set[str]:
    """Return the top-level names imported anywhere under a folder."""
    files = list(folder.rglob("*.py"))
    assert files
    return set[str]().union(*(imported(file) for file in files))


def test_the_client_imports_only_what_it_declares() -> None:
    assert everything(CLIENT / "src") - set(sys.stdlib_module_names) == {"datafactory", "httpx", "rich", "typer"}


def test_the_client_declares_three_packages() -> None:
    project = tomllib.loads((CLIENT / "pyproject.toml").read_text())["project"]
    assert sorted(project["dependencies"]) == ["httpx", "rich", "typer"]
    assert project["scripts"]["factory"] == "datafactory.cli:main"


MEANS = {
    "PIL", "cv2", "datafactory", "httpx", "numpy", "pandas", "pycanon", "rich", "skimage", "sklearn", "story",
}  # fmt: skip
"""What the demo works and measures with: packages that anyone can have."""


def test_the_demo_imports_only_the_client_and_its_own_packages() -> None:
    outside = everything(DEMO) - set(sys.stdlib_module_names)
    assert outside == MEANS


def test_every_package_of_the_demo_is_pinned_with_digests() -> None:
    lock = (DEMO / "requirements.lock").read_text()
    entries = re.split(r"\n(?=[a-z])", re.sub(r"^\s*#.*\n?", "", lock, flags=re.MULTILINE).strip())
    assert len(entries) > 10
    for entry in entries:
        assert re.match(r"[a-z0-9-]+==\S+", entry), entry
        assert "--hash=sha256:" in entry, entry
    lines = [line for line in (DEMO / "requirements.in").read_text().splitlines() if line and line[0] != "#"]
    wanted = {re.split("[<>=]", line)[0] for line in lines}
    assert wanted <= {re.split("==", entry)[0] for entry in entries}


def test_the_demo_refuses_to_run_where_the_factorys_code_can_be_imported(tmp_path: Path) -> None:
    run = subprocess.run(
        [sys.executable, str(DEMO / "run.py"), "--base-url", "http://127.0.0.1:1", "--state", str(tmp_path)],
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
        check=False,
    )
    assert run.returncode == 1
    assert "must not see the factory's code" in run.stderr


def test_a_demo_that_fails_says_so_in_its_report(tmp_path: Path) -> None:

    run = subprocess.run(
        [sys.executable, "-P", str(DEMO / "run.py"), "--base-url", "http://127.0.0.1:1", "--state", str(tmp_path)],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin"},
        check=False,
    )
    assert run.returncode == 1
    report = json.loads((tmp_path / "report.json").read_text())
    assert (report["schema"], report["ok"]) == (1, False)
    assert "Unreachable" in report["failure"]
    assert report.keys() >= {"schema", "ok", "seconds", "steps", "figures"}


@pytest.mark.parametrize(
    "file", sorted((CLIENT / "src").rglob("*.py")) + sorted(DEMO.rglob("*.py")), ids=lambda f: f.name
)
def test_rooms_stay_small(file: Path) -> None:
    assert len(file.read_text(encoding="utf-8").splitlines()) <= 300


def test_the_demos_notes_are_those_of_the_course() -> None:
    from services.access.training.bank import courses

    notes = json.loads((DEMO / "answers.json").read_text(encoding="utf-8"))
    course = courses()[notes["course"]]
    assert notes["answers"] == {question.id: question.right for question in course.questions}


def test_the_demos_terms_are_understood_as_they_are_meant() -> None:
    from services.access.terms.normalise import normalise
    from services.access.terms.vocabulary import Refused

    told = subprocess.run(
        [sys.executable, "-c", "import json; from story.terms import odrl_terms; print(json.dumps(odrl_terms()))"],
        capture_output=True,
        text=True,
        cwd=DEMO,
        check=True,
    ).stdout
    normal = normalise(json.loads(told))
    assert not isinstance(normal, Refused)
    assert normal["purposes"] == {"any": False, "list": ["benchmarking", "research"]}
    assert normal["commercial"] is False
    assert normal["courses"] == ["using-donated-data"]
