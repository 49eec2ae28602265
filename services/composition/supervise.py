"""`up` and `down`: a factory that stays after the command that started it, and ends when told."""

import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from services.kit.embedded.state import open_state
from services.kit.settings import Settings

START_DEADLINE_S = 120
STOP_DEADLINE_S = 30


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _answers(address: str, path: str) -> bool:
    try:
        with urllib.request.urlopen(address + path, timeout=3) as answer:  # noqa: S310 - our own address, http
            return answer.status == 200
    except (urllib.error.URLError, OSError, ValueError):
        return False


def _read(file: Path) -> str:
    try:
        return file.read_text().strip()
    except FileNotFoundError:
        return ""


def _running_pid(data: Path) -> int | None:
    """Return the pid of the factory on this state, if it is alive and really one."""
    try:
        pid = int((data / "pid").read_text())
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ValueError, ProcessLookupError):
        return None
    return pid if b"services" in command and b"all" in command.split(b"\0") else None


def up() -> int:
    """Start the factory in the background, or find it running; print its address. Returns the exit status."""
    settings = Settings()
    state = open_state(settings.data_dir, settings.keys_url)
    address_file = state.data / "address"
    if _running_pid(state.data) is None:
        address_file.unlink(missing_ok=True)
        log_file = state.data / "log" / "factory.log"
        log_file.parent.mkdir(exist_ok=True)
        with log_file.open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "services", "all"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        (state.data / "pid").write_text(str(process.pid))
        _say("Starting the factory …")
        deadline = time.monotonic() + START_DEADLINE_S
        while not _answers(_read(address_file), "/readyz"):
            if process.poll() is not None or time.monotonic() > deadline:
                tail = log_file.read_text(errors="replace").splitlines()[-20:]
                _say("The factory did not start. The end of its log:\n" + "\n".join(tail))
                return 1
            time.sleep(0.1)
    _say(f"The factory is up at {_read(address_file)}")
    secret = state.keys / "operator.secret"
    if secret.exists():
        _say(
            f"No operator yet. Whoever signs in first and redeems this secret becomes one: {secret.read_text().strip()}"
        )
    return 0


def down() -> int:
    """Stop the factory and wait until it has gone. Returns the exit status."""
    settings = Settings()
    if not (settings.data_dir / "state-id").exists():
        _say("There is no factory here.")
        return 0
    state = open_state(settings.data_dir, settings.keys_url)
    pid = _running_pid(state.data)
    if pid is None:
        _stop_left_postgres(state.data)
        _say("The factory is not running.")
        return 0
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + STOP_DEADLINE_S
    while _running_pid(state.data) is not None:
        if time.monotonic() > deadline:
            os.kill(pid, signal.SIGKILL)
        time.sleep(0.1)
    (state.data / "pid").unlink(missing_ok=True)
    (state.data / "address").unlink(missing_ok=True)
    _stop_left_postgres(state.data)
    _say("The factory is down.")
    return 0


def operator_secret() -> int:
    """Print the secret that makes the first operator, or nothing once it is used."""
    settings = Settings()
    secret = open_state(settings.data_dir, settings.keys_url).keys / "operator.secret"
    if secret.exists():
        _say(secret.read_text().strip())
    return 0


def clean() -> int:
    """Stop the factory and delete the keys of its state: from now on nobody can read what they encrypted."""
    settings = Settings()
    if (settings.data_dir / "state-id").exists():
        down()
        shutil.rmtree(open_state(settings.data_dir, settings.keys_url).keys)
    return 0


def _stop_left_postgres(data: Path) -> None:
    """Stop a PostgreSQL that outlived its factory (after SIGKILL)."""
    from services.kit.embedded.postgres import EmbeddedPostgres

    if (data / "postgres" / "postmaster.pid").exists():
        postgres = EmbeddedPostgres(data / "postgres")
        postgres.start()
        postgres.stop()
