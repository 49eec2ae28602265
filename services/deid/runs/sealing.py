"""What a run remembers of files, sealed under the dataset's key and opened again.

Open a run's key once (`keys = await keys_of(ctx).open(session, run.dataset_id)`), then its files with these functions.
"""

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from services.deid.engine.operator import Finding, Place
from services.deid.runs.models import RunFile
from services.deid.sources.keys import DatasetSecrets


@dataclass(frozen=True)
class Names:
    """Where a file lies, where its result goes, and the media type that its donor stated."""

    path: str
    target: str
    declared: str


def seal_names(secrets: DatasetSecrets, run_id: UUID, number: int, names: Names) -> bytes:
    """Seal for `RunFile.sealed`."""
    return _seal(secrets, "names", run_id, number, vars(names))


def open_names(secrets: DatasetSecrets, row: RunFile) -> Names:
    """Open `RunFile.sealed`."""
    return Names(**_open(secrets, "names", row, row.sealed))


def seal_findings(secrets: DatasetSecrets, run_id: UUID, number: int, findings: Sequence[Finding]) -> bytes:
    """Seal for `RunFile.sealed_findings`."""
    return _seal(secrets, "findings", run_id, number, [vars(finding) for finding in findings])


def open_findings(secrets: DatasetSecrets, row: RunFile) -> list[Finding]:
    """Open `RunFile.sealed_findings`."""
    if row.sealed_findings is None:
        return []
    return [Finding(**finding) for finding in _open(secrets, "findings", row, row.sealed_findings)]


def seal_places(secrets: DatasetSecrets, run_id: UUID, number: int, places: Sequence[Place]) -> bytes:
    """Seal for `RunFile.sealed_places`."""
    shown = [{**vars(place), "picture": base64.b64encode(place.picture).decode()} for place in places]
    return _seal(secrets, "places", run_id, number, shown)


def open_places(secrets: DatasetSecrets, row: RunFile) -> list[Place]:
    """Open `RunFile.sealed_places`."""
    if row.sealed_places is None:
        return []
    opened = _open(secrets, "places", row, row.sealed_places)
    return [Place(**{**place, "picture": base64.b64decode(place["picture"])}) for place in opened]


def seal_measures(secrets: DatasetSecrets, run_id: UUID, number: int, measures: dict[str, Any]) -> bytes:
    """Seal for `RunFile.sealed_measures`."""
    return _seal(secrets, "measures", run_id, number, measures)


def open_measures(secrets: DatasetSecrets, row: RunFile) -> dict[str, Any]:
    """Open `RunFile.sealed_measures`."""
    return {} if row.sealed_measures is None else _open(secrets, "measures", row, row.sealed_measures)


def _seal(secrets: DatasetSecrets, what: str, run_id: UUID, number: int, value: Any) -> bytes:
    return secrets.seal(json.dumps(value, ensure_ascii=False).encode("utf-8"), what, run_id, str(number))


def _open(secrets: DatasetSecrets, what: str, row: RunFile, sealed: bytes) -> Any:
    return json.loads(secrets.open(sealed, what, row.run_id, str(row.number)))
