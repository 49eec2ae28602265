"""Written, read and written again, every campaign is the same: nothing is lost, and nothing is made up."""

import csv
import io
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.annotation.campaigns.parse import document_from_json
from services.annotation.campaigns.shapes import CampaignDocument, document_to_json
from services.annotation.exports import cells, head
from services.annotation.exports.formats import FORMATS, Format, native
from tests.annotation.exports.strategies import documents, examples, texts

FORMS = list(FORMATS.values())


@given(documents())
@examples(50)
def test_a_document_is_the_same_after_json(document: CampaignDocument) -> None:
    assert document_from_json(json.loads(json.dumps(document_to_json(document)))) == document


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.name)
@given(st.data())
@examples(100)
def test_a_campaign_is_the_same_after_a_file(form: Format, data: st.DataObject) -> None:
    document = data.draw(documents(form.kinds))
    written = form.write(document)
    # Without the campaign at hand: its head and the file are the whole campaign.
    again = head.join(head.read(head.write(document)), form.read_contents(written, document.schema))
    assert again == document
    # Beside the campaign, as an import has it.
    assert tuple(form.read(written, document.schema, document.items)) == document.annotations
    assert form.write(again) == written


@given(st.data())
@examples(50)
def test_a_campaign_is_the_same_after_every_format_in_turn(data: st.DataObject) -> None:
    document = again = data.draw(documents(FORMATS["coco"].kinds))
    for form in FORMS:
        contents = form.read_contents(form.write(again), document.schema)
        again = head.join(again, contents)
    assert again == document


@given(documents(FORMATS["jsonl"].kinds))
@examples(50)
def test_a_line_is_one_item_for_every_reader_of_lines(document: CampaignDocument) -> None:
    written = FORMATS["jsonl"].write(document)
    lines = written.decode().splitlines()
    assert [json.loads(line)["path"] for line in lines] == [item.path for item in document.items]


@given(documents(FORMATS["csv"].kinds))
@examples(50)
def test_other_readers_of_csv_read_the_same_cells(document: CampaignDocument) -> None:
    text = FORMATS["csv"].write(document).decode()
    theirs = list(csv.reader(io.StringIO(text, newline="")))
    assert theirs == [list(row) for _, row in cells.rows(text, ",")]
    assert len({len(row) for row in theirs}) == 1


@given(documents(FORMATS["csv"].kinds))
@examples(50)
def test_no_spreadsheet_runs_a_cell(document: CampaignDocument) -> None:
    text = FORMATS["csv"].write(document).decode()
    for cell in (cell for row in csv.reader(io.StringIO(text, newline="")) for cell in row):
        # However the cell is split and trimmed, no part of it begins with a sign, unless it is a number.
        for part in re.split("[,;\t\r\n]", cell):
            trimmed = part.strip(" \u00a0'\"\ufeff") if not part.startswith("'") else part
            assert not trimmed.startswith(("=", "+", "-", "@")) or re.fullmatch(r"-0(\.\d+)?", trimmed), cell


@given(texts)
@examples(100)
def test_escaping_takes_nothing_away(text: str) -> None:
    assert cells.unescape(cells.escape(text)) == text
    assert cells.unescape(cells.escape(cells.escape(text))) == cells.escape(text)


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("=1+1", "'=1+1"),
        ("a=b", "a=b"),
        ("O'Neil", "O'Neil"),
        ("'t Hooft", "'t Hooft"),
        ("'=1", "''=1"),
        (" -1", "' -1"),
        ('"=1', "'\"=1"),
        ("x;=1", "x;'=1"),
        ("x\n@y", "x\n'@y"),
        ("\t=1", "\t'=1"),
        ("＝1", "'＝1"),
        ("", ""),
    ],
)
def test_escaping_by_example(text: str, escaped: str) -> None:
    assert cells.escape(text) == escaped
    assert cells.unescape(escaped) == text


@given(st.data())
@examples(50)
def test_the_native_format_carries_its_kind(data: st.DataObject) -> None:
    document = data.draw(documents())
    form = native(document.schema.kind)
    assert tuple(form.read(form.write(document), document.schema, document.items)) == document.annotations
