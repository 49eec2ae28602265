"""The command line `factory`."""

import sys


def main() -> None:
    """Run the command in sys.argv and exit with its status (see docs/cli.md)."""
    from datafactory.cli.app import run

    sys.exit(run(sys.argv[1:]))
