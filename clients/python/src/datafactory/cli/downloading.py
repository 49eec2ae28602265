"""Downloading files of a version, with progress; run again after an interruption, it goes on where it was."""

from pathlib import Path
from typing import Annotated

import typer

from datafactory.cli.finding import Project, Purpose
from datafactory.cli.language import say
from datafactory.cli.output import bars, done, factory
from datafactory.decisions import Ask
from datafactory.downloads import safe_target


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command(
        help=say(
            "Download files of a version (all, or those named). Interrupted? Run the same command again.",
            "Ladda ned filer ur en version (alla, eller de som nämns). Avbrutet? Kör samma kommando igen.",
        )
    )
    def download(
        version_id: Annotated[str, typer.Argument(metavar="VERSION")],
        paths: Annotated[list[str] | None, typer.Argument(metavar="[PATH]...")] = None,
        *,
        project: Project,
        purpose: Purpose,
        output: Annotated[Path, typer.Option("--output", "-o", help=say("folder", "mapp"))] = Path(),
        rate: Annotated[
            int | None, typer.Option(min=1, help=say("bytes per second at most", "byte per sekund som mest"))
        ] = None,
    ) -> None:
        with factory() as client:
            permits = client.downloads.permits(Ask(version_id, project, "read", purpose))
            listed = {str(file["path"]): file for file in client.datasets.files(version_id, permits.token())}
            wanted = list(dict.fromkeys(paths or listed))
            if unknown := [path for path in wanted if path not in listed]:
                raise typer.BadParameter(say(f"no such file: {unknown[0]}", f"ingen sådan fil: {unknown[0]}"))
            targets = {path: safe_target(output, path) for path in wanted}
            size = sum(int(listed[path]["size"]) for path in wanted)
            with bars(size, say("downloading", "laddar ned")) as on_progress:
                for path, target in targets.items():
                    client.downloads.fetch(
                        path,
                        permits,
                        target,
                        sha256=str(listed[path]["sha256"]),
                        size=int(listed[path]["size"]),
                        rate=rate,
                        on_progress=on_progress,
                    )
        text = say(
            f"{len(wanted)} files, {size:,} bytes, digests checked.",
            f"{len(wanted)} filer, {size:,} byte, kontrollerade.",
        )
        done(text, {"files": [{**listed[path], "saved_as": str(target)} for path, target in targets.items()]})
