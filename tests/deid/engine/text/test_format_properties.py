"""Planted identifiers in files of each format, split by markup and written with references: none comes out."""

import html
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.deid.engine.text import html_text, markdown
from services.deid.engine.text.formats import treat_html, treat_json, treat_markdown, treat_plain
from tests.deid.engine.text.planted import ACTIONS, PLANS, PLANTED, bare

fast = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
actions = st.sampled_from(ACTIONS)


def seen(parts: html_text.Parts) -> str:
    """All that a reader of a marked-up text can see."""
    return " ".join(view.text for view in (parts.main, *parts.apart, *parts.addresses))


def tagged(data: st.DataObject, identifier: str) -> str:
    """The identifier with tags between its characters and some of these as references."""
    shown = ""
    for character in identifier:
        how = data.draw(st.integers(0, 7))
        shown += {0: f"&#{ord(character)};", 1: f"&#x{ord(character):x};"}.get(how, html.escape(character))
        shown += {2: "<b>", 3: "</i>", 4: "<span class='x'>"}.get(how, "") if character != " " else ""
    return shown


@pytest.mark.parametrize("operator", PLANTED)
def test_html(operator: str) -> None:
    identifiers, contexts = PLANTED[operator]

    @fast
    @given(st.data(), identifiers, st.sampled_from(contexts), actions)
    def holds(data: st.DataObject, identifier: str, context: str, action: str) -> None:
        whole, safe = context + identifier, html.escape(context + identifier)
        page = data.draw(
            st.sampled_from(
                (
                    f"<p>{html.escape(context)}{tagged(data, identifier)}</p>",
                    f'<img alt="{safe}">',
                    f"<a title='{safe}'>x</a>",
                    f"<!-- {whole} -->",
                    f"<script>var x = '{whole}'</script>",
                )
            )
        )
        treated = treat_html(page.encode(), "text/html", PLANS[action])
        assert treated.content is not None
        assert bare(identifier) not in bare(seen(html_text.read(treated.content.decode())))
        assert treat_html(treated.content, "text/html", PLANS[action]).content == treated.content

    holds()


@pytest.mark.parametrize("operator", PLANTED)
def test_markdown(operator: str) -> None:
    identifiers, contexts = PLANTED[operator]

    @fast
    @given(st.data(), identifiers, st.sampled_from(contexts), actions)
    def holds(data: st.DataObject, identifier: str, context: str, action: str) -> None:
        shown = ""
        for character in identifier:
            how = data.draw(st.integers(0, 9))
            shown += "\\" + character if character in ".-+()" and how < 4 else character
            shown += "**" if how == 5 and character.isalnum() else ""
        treated = treat_markdown(f"# Rubrik\n\n{context}{shown}\n".encode(), "text/markdown", PLANS[action])
        assert treated.content is not None
        assert bare(identifier) not in bare(seen(markdown.read(treated.content.decode())))
        assert treat_markdown(treated.content, "text/markdown", PLANS[action]).content == treated.content

    holds()


@pytest.mark.parametrize("operator", PLANTED)
def test_json(operator: str) -> None:
    identifiers, contexts = PLANTED[operator]

    @fast
    @given(identifiers, st.sampled_from(contexts), actions, st.sampled_from(("value", "key", "list")), st.booleans())
    def holds(identifier: str, context: str, action: str, where: str, escaped: bool) -> None:
        whole = context + identifier
        value = {"value": {"a": whole}, "key": {whole: 1}, "list": {"a": [1, whole]}}[where]
        content = json.dumps(value, ensure_ascii=escaped).encode()
        treated = treat_json(content, "application/json", PLANS[action])
        assert treated.content is not None
        assert bare(identifier) not in bare(json.dumps(json.loads(treated.content), ensure_ascii=False))
        assert treat_json(treated.content, "application/json", PLANS[action]).content == treated.content

    holds()


@fast
@given(st.text(), actions, st.sampled_from((treat_html, treat_markdown, treat_plain)))
def test_any_text_in_any_format(text: str, action: str, treat: type) -> None:
    treated = treat(text.encode("utf-8", "replace"), "text/x", PLANS[action])
    if treated.content is not None:
        assert treat(treated.content, "text/x", PLANS[action]).content == treated.content


@fast
@given(st.binary(max_size=300), actions, st.sampled_from((treat_html, treat_markdown, treat_plain, treat_json)))
def test_any_bytes_in_any_format(content: bytes, action: str, treat: type) -> None:
    treated = treat(content, "text/x", PLANS[action])
    assert (treated.content is None) == (treated.withheld is not None)


PIECES = (
    "<b>", "</b>", "<a href='", "'>", "<!--", "-->", "<script>", "</script>", "&#49;", "&amp", "%31", "**", "_", "`",
    "[", "](", ")", "\\", "<", ">", '"', "850709", "-1234", "Anna ", "Svensson", " ", "\n", "[PERSON]", "data:a/b,",
    "(",
    "anna@x.se", "tel:", "070-1234567",
)  # fmt: skip
markup = st.lists(st.sampled_from(PIECES), max_size=30).map("".join)


@settings(fast, max_examples=150)
@given(markup, actions, st.sampled_from((treat_html, treat_markdown)))
def test_broken_markup_treated_twice_is_as_treated_once(text: str, action: str, treat: type) -> None:
    treated = treat(text.encode(), "text/x", PLANS[action])
    assert treated.content is not None
    assert treat(treated.content, "text/x", PLANS[action]).content == treated.content
