"""`campaign.json`: what a campaign is, beside the file with its annotations. Pure.

`{"campaign_id", "title", "guidelines", "schema", "counts": {"items", "annotated", "annotations", "marks", "labels":
{name: marks}}}`. Together with one file of any format it is the whole campaign again.
"""

import json
from collections import Counter
from dataclasses import replace
from typing import Any, Final

from services.annotation.campaigns.parse import read_schema
from services.annotation.campaigns.reader import Reader
from services.annotation.campaigns.shapes import (
    ACCEPTED,
    MAX_GUIDELINES,
    MAX_NAME,
    MAX_TITLE,
    CampaignDocument,
    schema_to_json,
)
from services.annotation.exports.bounded import BadAnnotationFile, json_of, text_of
from services.annotation.exports.contents import Contents

FILE_NAME: Final = "campaign.json"
_NEEDED: Final = ("campaign_id", "title", "guidelines", "schema")


def write(document: CampaignDocument, **more: Any) -> bytes:
    """Return `campaign.json` of a campaign; `more`: members beside its own, such as the version labelled."""
    accepted = [annotation for annotation in document.annotations if annotation.source in ACCEPTED]
    labels = Counter(mark.label for annotation in accepted for mark in annotation.marks)
    head = {
        "campaign_id": document.campaign_id,
        "title": document.title,
        "guidelines": document.guidelines,
        "schema": schema_to_json(document.schema),
        "counts": {
            "items": len(document.items),
            "annotated": len({annotation.path for annotation in accepted}),
            "annotations": len(document.annotations),
            "marks": sum(labels.values()),
            "labels": {name: labels[name] for name in document.schema.names},
        },
    }
    taken = sorted(set(more) & set(head))
    if taken:
        raise ValueError(f"{', '.join(taken)}: these members are campaign.json's own")
    return (json.dumps({**head, **more}, ensure_ascii=False, allow_nan=False, indent=1) + "\n").encode()


def read(content: bytes) -> CampaignDocument:
    """Return a campaign without items and annotations; raise BadAnnotationFile."""
    reader = Reader()
    value = json_of(text_of(content))
    members = reader.members(value, "", _NEEDED, closed=False)
    if members is not None:
        campaign_id = reader.text(members["campaign_id"], "/campaign_id", MAX_NAME)
        title = reader.text(members["title"], "/title", MAX_TITLE)
        guidelines = reader.text(members["guidelines"], "/guidelines", MAX_GUIDELINES)
        schema = read_schema(reader, members["schema"], "/schema")
        if campaign_id is not None and title is not None and guidelines is not None and schema is not None:
            if not reader.faults:
                return CampaignDocument(campaign_id, title, guidelines, schema)
    raise BadAnnotationFile(reader.faults)


def join(head: CampaignDocument, contents: Contents) -> CampaignDocument:
    """Return the whole campaign: its head, and what a file of annotations holds."""
    return replace(head, items=contents.items, annotations=contents.annotations)
