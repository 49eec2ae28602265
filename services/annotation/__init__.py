"""Annotation: campaigns hand out tasks, people label, others review, and what is accepted becomes a version."""

from pathlib import Path

from services.annotation.base import metadata
from services.annotation.settings import AnnotationSettings
from services.annotation.texts import TEXTS
from services.kit.service import Service

service = Service(
    name="annotation",
    title="Data Factory: annotation",
    settings=AnnotationSettings,
    metadata=metadata,
    migrations=Path(__file__).parent / "migrations" / "versions",
    texts=TEXTS,
    asks=("access", "catalog"),
)
