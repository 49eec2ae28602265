"""Writes `docs/events.md` and `docs/asyncapi.yaml` from the registry.

`python -m services.kit.events.document`, or with `--check` to compare without writing.
"""

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from google.protobuf.descriptor import FieldDescriptor

from services.kit.bus.message import MAX_BYTES
from services.kit.events.comments import COMMENTS
from services.kit.events.registry import EVENTS, EventType

ROOT = Path(__file__).resolve().parents[3]

_HEADERS: dict[str, tuple[str, str]] = {
    "ce_specversion": ("Always `1.0`.", "1.0"),
    "ce_id": ("The event: a UUID. An event that is delivered again keeps it.", "019aba52-6b7c-7d1e-8f10-0c8f2a4f5e77"),
    "ce_type": ("`factory.<service>.<noun>.<verb>.v1`.", "factory.access.grant.revoked.v1"),
    "ce_source": ("`/factory/<service>`.", "/factory/access"),
    "ce_subject": ("Id of what the event is about; also the record's key.", "019aba52-6b7c-7d1e-8f10-0c8f2a4f5e78"),
    "ce_time": ("When it happened, in UTC.", "2026-11-25T08:15:30.250000Z"),
    "ce_dataschema": ("The message's full name, as a URN.", "urn:protobuf:factory.access.v1.GrantRevoked"),
    "ce_revision": ("Revision of the subject after the change (an extension attribute).", "3"),
    "content-type": ("Always `application/protobuf`.", "application/protobuf"),
    "traceparent": (
        "W3C trace context of what caused it; may be missing.",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    ),
}

_PROSE = """\
# Events

<!-- Written by `python -m services.kit.events.document` from proto/ and the registry; not by hand. -->

Services tell each other, and a partner's automation, what has happened. Each event is a fact, published after the
transaction that made it true has committed. Events hold ids, never names, addresses or free text: who needs those
asks the service, which decides what the asker may see.

The same is described for machines in [asyncapi.yaml](asyncapi.yaml); the messages are in `proto/`.

## The envelope

CloudEvents 1.0 in binary mode: attributes are headers of the record, the value is the protobuf message alone.

| Header | What it says | Example |
|---|---|---|
{headers}

## What is promised

- **Order.** Events with the same key arrive in the order in which they became true. Between keys there is none.
- **At least once.** An event may come again, with the same `ce_id`. The kit's inbox remembers ids, so that inside
  the factory the effect happens once; a consumer of your own should do likewise.
- **Growth.** Fields and types are added, never changed or reused (`buf breaking`). Skip types you do not know.
- **Size.** A record has at most {limit} bytes, headers included.
- **Trouble.** What a group fails to handle repeatedly is parked with everything later of its key, and with the
  kind and place of the error, in `<topic>.dead.<group>`. Other keys go on. `Bus.redrive(group, key)` takes it up
  again, in order; `Bus.parked(group)` lists what waits.
"""

_TYPES = {
    FieldDescriptor.TYPE_STRING: "string",
    FieldDescriptor.TYPE_INT64: "int64",
    FieldDescriptor.TYPE_BOOL: "bool",
    FieldDescriptor.TYPE_DOUBLE: "double",
}


def services() -> dict[str, list[EventType]]:
    """Return the types of event by the service that publishes them."""
    result: dict[str, list[EventType]] = {}
    for known in EVENTS.values():
        result.setdefault(known.service, []).append(known)
    return result


def _type_of(field: Any) -> str:
    name = field.message_type.name if field.message_type is not None else _TYPES[field.type]
    return f"list of {name}" if field.is_repeated else name


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def events_page() -> str:
    """Return `docs/events.md`."""
    table = "\n".join(f"| `{name}` | {what} | `{example}` |" for name, (what, example) in _HEADERS.items())
    lines = [_PROSE.format(headers=table, limit=f"{MAX_BYTES:,}")]
    for service, types in sorted(services().items()):
        lines += [f"## {service}", "", f"Topic `{types[0].topic}`, published by {service}.", ""]
        lines += ["| Type | Key | When |", "|---|---|---|"]
        lines += [f"| `{known.ce_type}` | {known.key_noun} | {_sentence(known.description)} |" for known in types]
        lines.append("")
        for known in types:
            lines += [f"### {known.ce_type}", "", f"`{known.name}`: {known.description}", ""]
            lines += ["| No. | Field | Type | What it says |", "|---|---|---|---|"]
            lines += [
                f"| {field.number} | `{field.name}` | {_type_of(field)} | {COMMENTS[f'{known.name}.{field.name}']} |"
                for field in known.message.DESCRIPTOR.fields
            ]
            lines.append("")
    return "\n".join(lines)


def asyncapi() -> dict[str, Any]:
    """Return the AsyncAPI 3.0 document."""
    by_service = sorted(services().items())
    headers = {
        "type": "object",
        "required": [name for name in _HEADERS if name != "traceparent"],
        "properties": {
            name: {"type": "string", "description": what, "examples": [example]}
            for name, (what, example) in _HEADERS.items()
        },
    }
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Data Factory: facts on the bus",
            "version": "1",
            "description": "CloudEvents 1.0 in binary mode; protobuf values; at least once, in order per key. "
            "See events.md for what is promised.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/protobuf",
        "channels": {
            service: {
                "address": types[0].topic,
                "title": f"Facts of {service}",
                "messages": {
                    known.message.DESCRIPTOR.name: _ref("messages", known.message.DESCRIPTOR.name) for known in types
                },
                "bindings": {"kafka": {"topic": types[0].topic, "bindingVersion": "0.5.0"}},
            }
            for service, types in by_service
        },
        "operations": {
            f"publish_{service}": {
                "action": "send",
                "channel": {"$ref": f"#/channels/{service}"},
                "summary": f"{service} tells what has happened.",
                "messages": [
                    {"$ref": f"#/channels/{service}/messages/{known.message.DESCRIPTOR.name}"} for known in types
                ],
            }
            for service, types in by_service
        },
        "components": {
            "messages": {
                known.message.DESCRIPTOR.name: {
                    "name": known.ce_type,
                    "title": known.message.DESCRIPTOR.name,
                    "summary": _sentence(known.description),
                    "contentType": "application/protobuf",
                    "headers": _ref("schemas", "CloudEvent"),
                    "payload": _ref("schemas", f"factory.{service}.v1"),
                    "bindings": {
                        "kafka": {
                            "key": {"type": "string", "description": f"Id of the {known.key_noun}."},
                            "bindingVersion": "0.5.0",
                        }
                    },
                    "x-protobuf-message": known.name,
                }
                for service, types in by_service
                for known in types
            },
            "schemas": {
                "CloudEvent": headers,
                **{
                    f"factory.{service}.v1": {
                        "schemaFormat": "application/vnd.google.protobuf;version=3",
                        "schema": (ROOT / "proto" / types[0].message.DESCRIPTOR.file.name).read_text(),
                    }
                    for service, types in by_service
                },
            },
        },
    }


def _ref(kind: str, name: str) -> dict[str, str]:
    return {"$ref": f"#/components/{kind}/{name}"}


def asyncapi_page() -> str:
    """Return `docs/asyncapi.yaml`."""
    import yaml

    class Dumper(yaml.SafeDumper):
        """Writes texts of several lines as blocks, and nothing as an alias."""

        def ignore_aliases(self, data: Any) -> bool:
            return True

    def text(dumper: Any, value: str) -> yaml.ScalarNode:
        return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)

    Dumper.add_representer(str, text)
    head = "# Written by `python -m services.kit.events.document` from proto/ and the registry; not by hand.\n"
    return head + yaml.dump(asyncapi(), Dumper=Dumper, sort_keys=False, allow_unicode=True, width=110)


def pages() -> dict[Path, str]:
    """Return what is generated by its place in the repository."""
    return {Path("docs/events.md"): events_page(), Path("docs/asyncapi.yaml"): asyncapi_page()}


def stale(root: Path) -> Iterable[Path]:
    """Return the pages below `root` that differ from what the registry gives."""
    for place, made in pages().items():
        path = root / place
        if not path.exists() or path.read_text() != made:
            yield place


def main(arguments: list[str] | None = None, root: Path = ROOT) -> int:
    """Write the pages, or say which differ; return the process's exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when a page differs")
    if parser.parse_args(arguments).check:
        differing = list(stale(root))
        for place in differing:
            sys.stdout.write(f"{place} differs from the registry; run `python -m services.kit.events.document`\n")
        return 1 if differing else 0
    for place, made in pages().items():
        (root / place).parent.mkdir(parents=True, exist_ok=True)
        (root / place).write_text(made)
    return 0


if __name__ == "__main__":
    sys.exit(main())
