"""The demo: one dataset's way through the factory, told line by line.

It is an outsider: it runs in an environment of its own, has only the client library, and works only through the
gateway. Run it with `make demo`, or against any factory whose provider is the laptop's:

    FACTORY_DEMO_BASE_URL=http://127.0.0.1:8080 python -P demo/run.py

Environment (each has an option too, see --help):
    FACTORY_DEMO_BASE_URL         the gateway's address
    FACTORY_DEMO_OPERATOR_SECRET  the one-time secret that makes the first operator; only the first run needs it
    FACTORY_DEMO_STATE            folder for report.json and the generated data (default .factory/demo)
"""

import argparse
import importlib.util
import os
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
# `python -P` and `-I` leave the script's own folder out of the path; the folder above it stays out.
if str(HERE) not in sys.path:
    sys.path.insert(0, str(HERE))


def check_outside() -> None:
    """End the program if the factory's own code can be imported: then this would prove nothing about its API."""
    if importlib.util.find_spec("services") is not None:
        sys.exit("The demo must not see the factory's code, but `import services` would work here. Use `make demo`.")


def main() -> int:
    """Walk the chain; return 0 if every expectation held."""
    check_outside()
    from story import acts
    from story.stage import Stage

    parser = argparse.ArgumentParser(description="Walk a dataset through the whole factory.")
    env = os.environ
    state = env.get("FACTORY_DEMO_STATE") or str(HERE.parent / ".factory" / "demo")
    parser.add_argument("--base-url", default=env.get("FACTORY_DEMO_BASE_URL"), help="the gateway's address")
    parser.add_argument("--operator-secret", default=env.get("FACTORY_DEMO_OPERATOR_SECRET") or None)
    parser.add_argument("--state", type=Path, default=Path(state), help="folder for report.json and generated data")
    parser.add_argument("--big-bytes", type=int, default=1_000_000_000, help="size of the large file, in bytes")
    arguments = parser.parse_args()
    if not arguments.base_url:
        parser.error("set FACTORY_DEMO_BASE_URL or --base-url to the factory's address (it is in .factory/address)")

    stage = Stage(arguments.base_url, arguments.state, arguments.operator_secret, arguments.big_bytes)
    return acts.play(stage)


if __name__ == "__main__":
    sys.exit(main())
