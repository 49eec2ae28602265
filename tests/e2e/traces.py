"""Looking for a marker in everything that a factory has written, in any spelling in which a program might write it."""

import base64
from collections.abc import Iterator
from pathlib import Path

import asyncpg

from services.composition.defaults import BUS_DATABASE
from services.composition.registry import DATABASES
from tests.support.factory import Factory


def spellings(marker: bytes) -> dict[str, bytes]:
    """Return how `marker` (ASCII) looks in the encodings in which a program might write it."""
    text = marker.decode("ascii")
    found = {
        "utf-8": marker,
        "upper case": text.upper().encode(),
        "utf-16-le": text.encode("utf-16-le"),
        "utf-16-be": text.encode("utf-16-be"),
        "hex": marker.hex().encode(),
        "HEX": marker.hex().upper().encode(),
    }
    for offset in range(3):
        # Base64 takes three bytes at a time, so it depends on what stands before; of the characters only those that
        # hold nothing but the marker's own bits are looked for.
        first, last = -(-8 * offset // 6), 8 * (offset + len(marker)) // 6
        found[f"base64 at {offset}"] = base64.b64encode(b"\0" * offset + marker)[first:last]
    return found


def traces(chunks: Iterator[tuple[str, bytes]], needles: dict[str, bytes]) -> list[str]:
    """Return where any of `needles` occurs, and how."""
    return [f"{where}: {how}" for where, data in chunks for how, needle in needles.items() if needle in data]


def everything_under(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Yield each file under `folder` (name and bytes), and each name as bytes of its own."""
    for path in sorted(folder.rglob("*")):
        yield f"name of {path}", str(path.relative_to(folder)).encode()
        if path.is_file() and not path.is_symlink():
            yield str(path), path.read_bytes()


async def everything_in_databases(factory: Factory) -> list[tuple[str, bytes]]:
    """Return the rows of every table as text: PostgreSQL compresses long values, so its files may hide a trace."""
    found: list[tuple[str, bytes]] = []
    for database in (*DATABASES, BUS_DATABASE):
        host = str(factory.data / "postgres")
        connection = await asyncpg.connect(user="postgres", database=database, host=host)
        try:
            await connection.execute("CHECKPOINT")
            tables = await connection.fetch(
                "SELECT quote_ident(schemaname) || '.' || quote_ident(tablename) AS name FROM pg_tables "
                "WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
            )
            for (name,) in tables:
                rows = await connection.fetch(f"SELECT t::text FROM {name} t")
                found.append((f"{database} {name}", "\n".join(row[0] for row in rows).encode()))
        finally:
            await connection.close()
    return found
