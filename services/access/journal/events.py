"""An event from the bus as readable JSON."""

import json
from typing import Any

from google.protobuf.json_format import MessageToDict

from services.kit.bus import Record
from services.kit.events.registry import EVENTS, event_type
from services.kit.inbox import decode

TOPICS = sorted({event.topic for event in EVENTS.values()})


def unknown_types(types: list[str]) -> list[str]:
    """Return those of `types` that are no event types."""
    return [name for name in types if name not in EVENTS]


def readable(record: Record, types: list[str]) -> str | None:
    """Return one line of JSON for `record`, or None when it is of no wanted (or of an unknown) type."""
    event = decode(record)
    if event is None or (types and event.type not in types):
        return None
    document: dict[str, Any] = {
        "id": str(event.id),
        "type": event.type,
        "source": event.source,
        "subject": event.subject,
        "time": event.time.isoformat().replace("+00:00", "Z"),
        "revision": event.revision,
        "topic": record.topic,
        "data": MessageToDict(event.message, preserving_proto_field_name=True),
        "schema": event_type(event.type).schema,
    }
    return json.dumps(document, ensure_ascii=False) + "\n"
