"""Events are what the registry, the .proto files and the documents all say they are, and hold no personal data."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from scripts import proto
from services.kit.events import access, annotation, catalog, deid, document
from services.kit.events.comments import COMMENTS
from services.kit.events.registry import EVENTS, EventType, event_type

# Strings that are no ids: words of the factory, digests.
WORDS = {
    "actions", "course", "digest", "gate", "how", "integrity_class", "mode", "personal_data", "purpose", "reason",
    "reasons", "role",
}  # fmt: skip


def in_words(name: str) -> str:
    return ".".join(re.findall("[A-Z][a-z]+", name)).lower()


def test_every_message_has_one_type_that_says_its_name() -> None:
    declared = {
        f"factory.{service}.{in_words(name)}.v1": message.full_name
        for service, module in (("access", access), ("annotation", annotation), ("catalog", catalog), ("deid", deid))
        for name, message in module.DESCRIPTOR.message_types_by_name.items()
    }
    assert {name: known.name for name, known in EVENTS.items()} == declared


@pytest.mark.parametrize("known", EVENTS.values(), ids=lambda known: known.ce_type)
def test_an_event_holds_ids_and_words_only(known: EventType) -> None:
    for field in known.message.DESCRIPTOR.fields:
        if field.type == field.TYPE_STRING:
            assert field.name.endswith(("_id", "_ids", "_by")) or field.name in WORDS
        assert COMMENTS[f"{known.name}.{field.name}"].endswith(".")
    assert COMMENTS[known.name].endswith(".")


@pytest.mark.parametrize("known", EVENTS.values(), ids=lambda known: known.ce_type)
def test_an_event_names_its_subject_and_comes_back_whole(known: EventType) -> None:
    for key in known.key:
        message = known.message(**{key: "019aba52-6b7c-7d1e-8f10-0c8f2a4f5e77"})
        assert known.subject_of(message) == "019aba52-6b7c-7d1e-8f10-0c8f2a4f5e77"
        assert event_type(known.ce_type).decode(message.SerializeToString()) == message
    with pytest.raises(ValueError, match="exactly one"):
        known.subject_of(known.message())
    with pytest.raises(ValueError, match="not a"):
        known.decode(b"\xff\xff\xff")


def test_generated_code_is_what_the_proto_files_give() -> None:
    for path, text in proto.generate().items():
        assert (proto.TARGET / path).read_text() == text, f"{path}: run `python scripts/proto.py`"


def test_documents_are_what_the_registry_gives_and_the_check_sees_when_not(tmp_path: Path) -> None:
    assert document.main(["--check"]) == 0
    assert document.main(["--check"], tmp_path) == 1
    assert document.main([], tmp_path) == 0
    assert document.main(["--check"], tmp_path) == 0
    page = tmp_path / "docs" / "events.md"
    page.write_text(page.read_text().replace("grant.revoked", "grant.forgotten"))
    assert document.main(["--check"], tmp_path) == 1


def test_the_asyncapi_document_names_every_event_and_refers_to_nothing_missing() -> None:
    parsed: Any = yaml.safe_load(document.asyncapi_page())
    assert {message["name"] for message in parsed["components"]["messages"].values()} == EVENTS.keys()
    assert {channel["address"] for channel in parsed["channels"].values()} == {e.topic for e in EVENTS.values()}

    def references(node: Any) -> list[str]:
        if isinstance(node, dict):
            own = [node["$ref"]] if "$ref" in node else []
            return own + [r for value in node.values() for r in references(value)]  # pyright: ignore[reportUnknownVariableType]
        return [r for value in node for r in references(value)] if isinstance(node, list) else []  # pyright: ignore[reportUnknownVariableType]

    found = references(parsed)
    assert len(found) > 3 * len(EVENTS)
    for reference in found:
        node = parsed
        for step in reference.removeprefix("#/").split("/"):
            node = node[step]
