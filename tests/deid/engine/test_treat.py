"""A file in, a treated file or a reason out: never an exception, never something passed through."""

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.deid.engine import treat as treating
from services.deid.engine.operator import Keys
from services.deid.engine.plan import Plan, PlanInvalid, compile_plan
from services.deid.engine.treat import REASONS, treat_file

KEYS = Keys("key", bytes(32))
NUMBER = "19811228-9874"


def plan(*operators: str, **params: object) -> Plan:
    return compile_plan({"operators": [{"operator": name, "params": params} for name in operators]}, KEYS)


def test_a_family_without_operator_is_withheld() -> None:
    image, text = plan("image.metadata"), plan("text.personal-number")
    assert treat_file(b"Hej", "a.txt", "", image).withheld == "no-operator-for-text"
    assert treat_file(b"a,b\n1,2\n", "a.csv", "", image).withheld == "no-operator-for-table"
    assert treat_file(b"\x89PNG\r\n\x1a\n" + bytes(40), "a.png", "", text).withheld == "no-operator-for-image"
    assert treat_file(bytes(range(256)), "a", "", text).withheld == "type-unknown"


def test_an_empty_file_has_nothing_to_treat() -> None:
    assert treat_file(b"", "a.png", "image/png", plan("text.personal-number")).content == b""


def test_a_text_that_holds_a_picture_is_withheld() -> None:
    import base64

    picture = base64.b64encode(b"\xff\xd8\xff\xe0" + bytes(200)).decode()
    treated = treat_file(f"![x](data:image/jpeg;base64,{picture})".encode(), "a.md", "", plan("text.email"))
    assert (treated.content, treated.withheld) == (None, "embedded-file")


def test_an_error_withholds_and_says_nothing_of_the_content(monkeypatch: pytest.MonkeyPatch) -> None:
    class Panic(BaseException):
        """As Rust's panics come through."""

    for error, reason in (
        (ValueError("canary"), "failed"),
        (Panic("canary"), "failed"),
        (MemoryError(), "out-of-memory"),
    ):

        def broken(*_: object, error: BaseException = error) -> None:
            raise error

        monkeypatch.setattr(treating, "_treat", broken)
        treated = treat_file(b"canary", "canary.txt", "", plan("text.email"))
        assert (treated.content, treated.withheld) == (None, reason)
        assert "canary" not in repr(treated)


@settings(max_examples=80, deadline=None)
@given(
    st.one_of(st.binary(max_size=600), st.text(max_size=300).map(lambda t: t.encode("utf-8", "surrogatepass"))),
    st.sampled_from(["a.txt", "a.md", "a.csv", "a.json", "a.html", "a.png", "a.parquet", "a"]),
    st.sampled_from(["", "text/plain", "text/csv", "image/png", "application/json"]),
)
def test_anything_goes_in(content: bytes, path: str, declared: str) -> None:
    treated = treat_file(content, path, declared, plan("text.personal-number", "text.email"))
    assert (treated.content is None) == (treated.withheld is not None)
    assert treated.withheld != "failed", treated.measures


def test_every_reason_has_a_text() -> None:
    assert all(swedish and english and swedish != english for swedish, english in REASONS.values())


@pytest.mark.parametrize(
    "operators", [[{"operator": "text.nothing", "params": {}}], [{"operator": "text.email", "params": {"x": 1}}]]
)
def test_what_is_no_recipe_makes_no_plan(operators: list[dict[str, object]]) -> None:
    with pytest.raises(PlanInvalid):
        compile_plan({"operators": operators}, KEYS)


def test_wrong_extensions_are_treated_by_what_they_are() -> None:
    from PIL import Image

    made = io.BytesIO()
    Image.new("RGB", (40, 30), "red").save(made, "PNG")
    treated = treat_file(made.getvalue(), "a.txt", "text/plain", plan("image.metadata"))
    assert (treated.media_type, treated.withheld) == ("image/png", None)


def test_polyglots_keep_only_what_was_treated() -> None:
    import zipfile

    from PIL import Image

    hidden, made = io.BytesIO(), io.BytesIO()
    with zipfile.ZipFile(hidden, "w") as archive:
        archive.writestr("people.txt", NUMBER)
    Image.new("RGB", (40, 30), "red").save(made, "JPEG", comment=b"<html>" + NUMBER.encode())
    for tail in (hidden.getvalue(), f"<html>{NUMBER}</html>".encode(), b"%PDF-1.7 " + NUMBER.encode()):
        for path in ("a.jpg", "a.html", "a.zip", "a.pdf"):
            treated = treat_file(made.getvalue() + tail, path, "", plan("image.metadata", "text.personal-number"))
            assert treated.media_type == "image/jpeg"
            assert treated.content is not None and NUMBER.encode() not in treated.content
            assert b"people.txt" not in treated.content
