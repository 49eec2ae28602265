"""The house keeps its shape (docs/architecture.md): who imports whom, who may query, who may speak HTTP or protobuf."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SERVICES = [p for p in sorted((ROOT / "services").iterdir()) if (p / "base.py").exists()]
QUERIES = {"select", "insert", "update", "delete", "text"}


def modules(*folders: Path) -> list[Path]:
    """Every module of the product below `folders`, generated code and revisions left out."""
    return [
        path
        for folder in folders
        for path in sorted(folder.rglob("*.py"))
        if "migrations" not in path.parts and "_pb2" not in path.name
    ]


def imports(path: Path) -> Iterator[tuple[str, str]]:
    """Yield (module, name) for each import in `path`."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, ""
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                yield node.module, alias.name


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


ROOMS = modules(*SERVICES, ROOT / "gateway")


def test_there_are_services_to_look_at() -> None:
    assert {p.name for p in SERVICES} == {"access", "annotation", "catalog", "deid"}
    assert len(ROOMS) > 50


def test_imports_point_one_way() -> None:
    done = subprocess.run(
        [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("service", SERVICES, ids=lambda p: p.name)
def test_rooms_inside_a_service_form_a_dag(service: Path) -> None:
    rooms = {p.name for p in service.iterdir() if (p / "__init__.py").exists()}
    prefix = f"services.{service.name}."
    asks: dict[str, set[str]] = {room: set() for room in rooms}
    for path in modules(service):
        room = path.relative_to(service).parts[0]
        if room not in rooms:
            continue
        for module, name in imports(path):
            target = f"{module}.{name}" if module + "." == prefix else module
            if target.startswith(prefix):
                other = target.removeprefix(prefix).split(".")[0]
                if other in rooms and other != room:
                    asks[room].add(other)
    order: list[str] = []
    while len(order) < len(rooms):
        free = sorted(room for room in rooms - set(order) if asks[room] <= set(order))
        assert free, f"rooms ask each other in a circle: { {r: asks[r] for r in rooms - set(order)} }"
        order += free


@pytest.mark.parametrize("path", ROOMS, ids=named)
def test_only_repositories_query(path: Path) -> None:
    if path.stem == "repository":
        return
    from_sql = {name for module, name in imports(path) if module.split(".")[0] in ("sqlalchemy", "sqlmodel")}
    used = from_sql & (QUERIES - ({"text"} if path.stem == "models" else set()))
    assert not used, f"{named(path)} builds queries with {sorted(used)}; that is the repository's work"


@pytest.mark.parametrize(
    "path", [p for p in ROOMS if p.stem in ("rules", "service", "repository", "models", "events")], ids=named
)
def test_rules_know_nothing_of_http(path: Path) -> None:
    web = {module for module, _ in imports(path) if module.split(".")[0] in ("fastapi", "starlette", "uvicorn")}
    assert not web, f"{named(path)} imports {sorted(web)}"


@pytest.mark.parametrize("path", [p for p in ROOMS if p.stem in ("rules", "service", "repository")], ids=named)
def test_rules_never_end_the_transaction(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Attribute):
            assert node.attr not in ("commit", "rollback", "begin", "begin_nested"), f"{named(path)}:{node.lineno}"


@pytest.mark.parametrize("path", ROOMS, ids=named)
def test_only_events_map_protobuf(path: Path) -> None:
    if path.stem == "events":
        return
    pb = {module for module, name in imports(path) if module.startswith("services.kit.events") or "protobuf" in module}
    assert not pb, f"{named(path)} imports {sorted(pb)}; mapping protobuf is the work of events.py"


@pytest.mark.parametrize("path", [p for p in ROOMS if p.stem == "schemas"], ids=named)
def test_tables_are_never_api_shapes(path: Path) -> None:
    tables = {module for module, _ in imports(path) if module.split(".")[0] == "sqlmodel" or module.endswith(".models")}
    assert not tables, f"{named(path)} imports {sorted(tables)}"


@pytest.mark.parametrize("path", modules(ROOT / "services", ROOT / "gateway"), ids=named)
def test_time_comes_from_the_clock(path: Path) -> None:
    if path.name == "clock.py":
        return
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            called = ast.unparse(node.func)
            assert called not in ("datetime.now", "datetime.utcnow", "func.now"), (
                f"{named(path)}:{node.lineno} {called}"
            )
