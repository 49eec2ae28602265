"""The composition root: `python -m services all | access | catalog | gateway | identity | up | down | …`."""

import argparse
import asyncio
import sys

from services.composition import registry


def main() -> int:
    """Run what the command line asks for; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m services", description="Run the Data Factory or a part of it.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("all", help="every service, the gateway and a local identity provider, in this process")
    for name in (*registry.NAMES, "gateway"):
        commands.add_parser(name, help=f"{name} alone (the others by FACTORY_SERVICE_URLS)")
    identity = commands.add_parser("identity", help="the local identity provider alone (laptop only)")
    identity.add_argument("--port", type=int, default=0)
    commands.add_parser("up", help="start in the background, wait until ready, print the address")
    commands.add_parser("down", help="stop what `up` started")
    commands.add_parser("operator-secret", help="print the secret that makes the first operator, while it is unused")
    commands.add_parser("clean", help="stop the factory and delete its keys (make clean deletes the rest)")
    migrate = commands.add_parser("migrate", help="bring the databases to the schema of the code")
    migrate.add_argument("--check", action="store_true", help="fail if tables and revisions differ")
    revise = commands.add_parser("revise", help="write a revision for one service")
    revise.add_argument("service", choices=registry.DATABASES)
    revise.add_argument("message")
    arguments = parser.parse_args()

    match arguments.command:
        case "up" | "down" | "operator-secret" | "clean" as command:
            from services.composition import supervise

            acts = {
                "up": supervise.up,
                "down": supervise.down,
                "operator-secret": supervise.operator_secret,
                "clean": supervise.clean,
            }
            return acts[command]()
        case "identity":
            from gateway.local_identity import main as identity_main

            identity_main(arguments.port)
        case "migrate" | "revise":
            from services.composition import schemas

            if arguments.command == "migrate":
                return asyncio.run(schemas.migrate(check=arguments.check))
            return asyncio.run(schemas.revise(arguments.service, arguments.message))
        case "all":
            from services.composition import serve

            asyncio.run(serve.serve_all())
        case name:
            from services.composition import serve

            asyncio.run(serve.serve_one(name))
    return 0


if __name__ == "__main__":
    sys.exit(main())
