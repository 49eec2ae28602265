"""A whole factory in processes of its own, as people start it; told to start, stop, or die, and asked what it left."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from datafactory import Client, sign_in_as
from datafactory.transport import Transport

from services.composition.defaults import BUS_DATABASE
from services.kit.embedded.postgres import EmbeddedPostgres
from tests.support import wait

ROOT = Path(__file__).resolve().parents[2]
DEMO_PYTHON = ROOT / ".factory" / "env" / "demo" / "bin" / "python"
SERVICES = ("access", "catalog", "deid", "annotation")
START_S = 240
STOP_S = 60


def free_port() -> int:
    """Return a port of the loopback interface that is free now."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


class Factory:
    """A factory with its state under `folder`: `up` starts it in one process, `apart` each part in its own."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.folder = folder
        self.data = folder / ".factory"
        self.address = ""
        home = folder / "home"
        home.mkdir(parents=True, exist_ok=True)
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("FACTORY_", "XDG_"))}
        self.env = {
            **kept,
            "HOME": str(home),
            "XDG_DATA_HOME": str(folder / "xdg-data"),
            "XDG_CONFIG_HOME": str(folder / "xdg-config"),
            "XDG_STATE_HOME": str(folder / "xdg-state"),
            "XDG_CACHE_HOME": str(folder / "xdg-cache"),
            "FACTORY_DATA_DIR": str(self.data),
            **settings,
        }
        self.parts: dict[str, subprocess.Popen[bytes]] = {}
        self._clients: dict[str, Client] = {}

    # -- starting and stopping ------------------------------------------------------------------------------------

    def command(
        self, *arguments: str, check: bool = True, env: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run `python -m services …` to its end, and return what came of it."""
        done = subprocess.run(
            [sys.executable, "-m", "services", *arguments],
            cwd=ROOT, env={**self.env, **(env or {})}, capture_output=True, text=True, timeout=START_S, check=False,
        )  # fmt: skip
        if check and done.returncode != 0:
            what = " ".join(arguments)
            raise AssertionError(f"services {what} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        return done

    def up(self) -> str:
        """Start everything in one process that stays; return what was printed."""
        printed = self.command("up").stdout
        self.address = (self.data / "address").read_text().strip()
        return printed

    def down(self) -> None:
        """Stop what `up` started, and hang up."""
        self.hang_up()
        self.command("down")

    @property
    def pid(self) -> int:
        """The process that `up` started."""
        return int((self.data / "pid").read_text())

    @contextmanager
    def apart(self) -> Iterator[None]:
        """Run each part as a process of its own on this state, for as long as the block lasts."""
        postgres = EmbeddedPostgres(self.data / "postgres")
        postgres.start()
        try:
            self._start_apart(postgres.url("{service}", "{service}"), postgres.url(BUS_DATABASE, BUS_DATABASE))
            yield
        finally:
            self.hang_up()
            self._stop_parts()
            postgres.stop()

    def _start_apart(self, database_url: str, bus_url: str) -> None:
        issuer = f"http://127.0.0.1:{(self.data / 'identity-port').read_text().strip()}"
        ports = {name: free_port() for name in (*SERVICES, "gateway")}
        common = {
            "FACTORY_SERVICE_URLS": json.dumps({name: f"http://127.0.0.1:{ports[name]}" for name in SERVICES}),
            "FACTORY_DATABASE_URL": database_url,
            "FACTORY_BUS_URL": f"pglog+{bus_url}",
            "FACTORY_OIDC_ISSUER": issuer,
            "FACTORY_OIDC_CLIENT_SECRET": "local",
        }
        self._start_part("identity", {}, "--port", issuer.rsplit(":", 1)[1])
        for name, port in ports.items():
            self._start_part(name, {**common, "FACTORY_PORT": str(port)})
        self.address = f"http://127.0.0.1:{ports['gateway']}"
        self.wait_ready()

    def _start_part(self, name: str, settings: Mapping[str, str], *arguments: str) -> None:
        log = self.data / "log" / f"{name}.log"
        log.parent.mkdir(exist_ok=True)
        with log.open("ab") as output:
            self.parts[name] = subprocess.Popen(
                [sys.executable, "-m", "services", name, *arguments],
                cwd=ROOT, env={**self.env, **settings}, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
            )  # fmt: skip

    def _stop_parts(self) -> None:
        for process in reversed(self.parts.values()):
            process.terminate()
        for process in self.parts.values():
            try:
                process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.parts.clear()

    def wait_ready(self, seconds: float = START_S) -> None:
        """Wait until the gateway says that every part is ready."""

        def ready() -> bool:
            for name, process in self.parts.items():
                if process.poll() is not None:
                    raise AssertionError(f"{name} ended with {process.returncode}:\n{self.log(name)[-4000:]}")
            return self.readiness() == {}

        wait.until_sync(ready, seconds=seconds, what="the factory is ready")

    def readiness(self) -> dict[str, str] | None:
        """Return what /readyz names as failing (nothing when all is well), or None where nobody answers."""
        try:
            answer = httpx.get(f"{self.address}/readyz", timeout=10)
        except httpx.TransportError:
            return None
        return dict(answer.json()["failing"])

    def kill(self, pid: int | None = None) -> None:
        """SIGKILL the process that `up` started (or another of ours), and wait until it is gone."""
        target = pid or self.pid
        os.kill(target, signal.SIGKILL)
        wait.until_sync(lambda: not _alive(target), seconds=10, what=f"process {target} is gone")

    def database_processes(self) -> list[int]:
        """Return the process ids of this state's PostgreSQL, the postmaster first."""
        postmaster = self.postmaster
        children = [pid for pid in self.processes() if _parent(pid) == postmaster]
        return [postmaster, *children]

    def stop_database(self) -> None:
        """Stop PostgreSQL as an administrator would (fast shutdown), and wait until it is gone."""
        postmaster = self.postmaster
        os.kill(postmaster, signal.SIGINT)
        wait.until_sync(lambda: not _alive(postmaster), seconds=20, what="PostgreSQL is gone")

    def start_database(self) -> None:
        """Start PostgreSQL again."""
        EmbeddedPostgres(self.data / "postgres").start()

    def hang_up(self) -> None:
        """Close every client."""
        for client in self._clients.values():
            client.close()
        self._clients.clear()

    # -- what it leaves -------------------------------------------------------------------------------------------

    def log(self, name: str = "factory") -> str:
        """Return what a process has logged."""
        return (self.data / "log" / f"{name}.log").read_text(errors="replace")

    def complaints(self) -> list[str]:
        """Return the lines of all logs that are no notice of something going well."""
        logs = sorted((self.data / "log").glob("*.log"))
        lines = [line for log in logs for line in log.read_text(errors="replace").splitlines()]
        return [line for line in lines if '"level": "info"' not in line]

    def processes(self) -> dict[int, str]:
        """Return the running processes that belong to this state, PostgreSQL's among them: pid to command line."""
        found: dict[int, str] = {}
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit() or int(entry.name) == os.getpid():
                continue
            try:
                command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                environment = (entry / "environ").read_bytes()
                place = os.readlink(entry / "cwd")
            except OSError:  # it has ended meanwhile, or is somebody else's
                continue
            ours = str(self.folder)
            if command and (ours in command or place.startswith(ours) or ours.encode() in environment):
                found[int(entry.name)] = command
        return found

    @property
    def postmaster(self) -> int:
        """The process id of this state's PostgreSQL."""
        return int((self.data / "postgres" / "postmaster.pid").read_text().splitlines()[0])

    # -- people ---------------------------------------------------------------------------------------------------

    def person(self, name: str) -> Client:
        """Return a client signed in as `name` by the code flow; the same one the next time."""
        if name not in self._clients:
            self._clients[name] = self.client(name)
        return self._clients[name]

    def client(self, name: str, **transport: Any) -> Client:
        """Return a new client signed in as `name`; the caller closes it."""
        session = sign_in_as(self.address, name, timeout_s=60)
        made = Transport(self.address, session, **transport)
        return Client(self.address, None, state_folder=self.folder / "uploads", transport=made)

    def operator_secret(self) -> str:
        """Return the secret that makes the first operator; empty once it is used."""
        return self.command("operator-secret").stdout.strip()

    # -- the demo -------------------------------------------------------------------------------------------------

    def demo(self, *arguments: str, seconds: float = 600) -> tuple[subprocess.CompletedProcess[str], dict[str, Any]]:
        """Run the demo as `make demo` does; return how it ended and its report."""
        state = self.folder / "demo"
        env = {
            **self.env,
            "FACTORY_DEMO_BASE_URL": self.address,
            "FACTORY_DEMO_OPERATOR_SECRET": self.operator_secret(),
            "FACTORY_DEMO_STATE": str(state),
        }
        (state / "report.json").unlink(missing_ok=True)
        done = subprocess.run(
            [str(DEMO_PYTHON), "-P", str(ROOT / "demo" / "run.py"), *arguments],
            cwd=self.folder, env=env, capture_output=True, text=True, timeout=seconds, check=False,
        )  # fmt: skip
        report = state / "report.json"
        return done, json.loads(report.read_text()) if report.exists() else {}


def _parent(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])
    except (FileNotFoundError, ProcessLookupError):
        return 0


def _alive(pid: int) -> bool:
    """Whether a process runs; one that has ended and only waits to be looked at does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] not in ("Z", "X")
    except (FileNotFoundError, ProcessLookupError):
        return False
