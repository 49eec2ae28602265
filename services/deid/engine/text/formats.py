"""Treats text files of each format: only text is changed, and the rest keeps its bytes."""

import hashlib
import re
from collections.abc import Callable

from services.deid.engine.operator import Treated
from services.deid.engine.text import html_text, markdown
from services.deid.engine.text.encoding import Undecodable, decode_text, encode_text
from services.deid.engine.text.json_text import BadJson, treat_json_text
from services.deid.engine.text.pipeline import TextPlan, TextResult
from services.deid.engine.text.report import Report, characters
from services.deid.engine.text.views import Edit, View, edited

__all__ = ["REASONS", "decode_text", "encode_text", "treat_html", "treat_json", "treat_markdown", "treat_plain"]

REASONS: dict[str, tuple[str, str]] = {
    "text-undecodable": (
        "Filen är ingen text i en känd teckenkodning.",
        "The file is no text in a known character encoding.",
    ),
    "charset-unsupported": (
        "Sidan anger en teckenkodning som inte stöds.",
        "The page states a character encoding that is not supported.",
    ),
    "json-invalid": (
        "Filen är varken JSON eller JSON rad för rad.",
        "The file is neither JSON nor lines of JSON.",
    ),
    "pattern-timeout": (
        "Receptets eget mönster tog för lång tid på filen.",
        "The recipe's own pattern took too long on the file.",
    ),
    "text-unsettled": (
        "Behandlingen av texten blev inte färdig: det som sattes in gav hela tiden nya fynd.",
        "Treating the text came to no end: what was put in kept giving new findings.",
    ),
}
"""Why a text file is withheld, in Swedish and English."""

Write = Callable[[str, int, int], str]


class _Withheld(Exception):
    """The file cannot be treated; `code` says why."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def treat_plain(content: bytes, media_type: str, plan: TextPlan) -> Treated:
    """Treat plain text. Withheld: text-undecodable, pattern-timeout, text-unsettled."""

    def treat(text: str, report: Report) -> str:
        result = _treated(plan, text, "")
        report.add(text, result, characters)
        return result.text

    return _treat(content, media_type, plan, treat)


def treat_markdown(content: bytes, media_type: str, plan: TextPlan) -> Treated:
    """Treat Markdown: also what emphasis, links and tags split. Withheld as plain text is."""

    def treat(text: str, report: Report) -> str:
        return _marked_up(text, markdown.read(text), plan, report, markdown.writer(text))

    return _treat(content, media_type, plan, _settled(plan, treat))


def treat_html(content: bytes, media_type: str, plan: TextPlan) -> Treated:
    """Treat HTML: text across inline tags, attributes, comments, scripts. Withheld also: charset-unsupported."""

    def treat(text: str, report: Report) -> str:
        return _marked_up(text, html_text.read(text), plan, report, html_text.escaped)

    return _treat(content, media_type, plan, _settled(plan, treat), charset=_declared(content), references=True)


def treat_json(content: bytes, media_type: str, plan: TextPlan) -> Treated:
    """Treat JSON or JSON Lines: strings, keys and numbers. Withheld also: json-invalid."""

    def treat(text: str, report: Report) -> str:
        try:
            after, withheld = treat_json_text(text, plan, report)
        except BadJson as error:
            raise _Withheld(error.code) from None
        if withheld:
            raise _Withheld(withheld)
        return after

    return _treat(content, media_type, plan, _settled(plan, treat))


def _treat(
    content: bytes,
    media_type: str,
    plan: TextPlan,
    treat: Callable[[str, Report], str],
    charset: str | None = None,
    references: bool = False,
) -> Treated:
    """Decode, treat, encode again, and report."""
    try:
        text, encoding = decode_text(content, charset)
        report = Report(plan.seed(hashlib.sha256(content).digest()))
        after = treat(text, report)
    except (Undecodable, _Withheld) as error:
        return Treated(None, media_type, withheld=error.code)
    return report.of(content if after == text else encode_text(after, encoding, references), media_type)


_LOOKS = 8


def _settled(plan: TextPlan, treat: Callable[[str, Report], str]) -> Callable[[str, Report], str]:
    """Treat until nothing changes: markup that is left over beside what was replaced may read as part of it."""

    def until_settled(text: str, report: Report) -> str:
        after = treat(text, report)
        for look in range(_LOOKS):
            # What is found only now stands where something was found before; that has been reported.
            again = after if after == text else treat(after, Report(plan.seed(look.to_bytes())))
            if again == after:
                return after
            after = again
        raise _Withheld("text-unsettled")

    return until_settled


def _treated(plan: TextPlan, text: str, context: str) -> TextResult:
    result = plan.treat(text, context)
    if result.withheld:
        raise _Withheld(result.withheld)
    return result


def _marked_up(source: str, parts: html_text.Parts, plan: TextPlan, report: Report, write: Write) -> str:
    """Treat each text of a marked-up source and put the results back between the markup."""
    edits: list[Edit] = []
    results: dict[tuple[str, str], TextResult] = {}  # the same attributes come again and again
    views = [
        (parts.main, write),
        *((v, html_text.escaped) for v in parts.apart),
        *((v, html_text.percent) for v in parts.addresses),
    ]
    for view, writes in views:
        text = view.text
        if not text.strip():
            continue
        result = results.get((text, view.context)) or _treated(plan, text, view.context)
        if view is not parts.main:
            results[text, view.context] = result
        report.add(text, result, _place(view))
        edits += view.edits(result.spans, writes)
    for start, end in parts.removed:
        report.count(html_text.EMBEDDED)
        edits.append(Edit(start, end, ""))
    return edited(source, edits)


def _place(view: View) -> Callable[[int, int], str]:
    return lambda start, end: characters(*view.source(start, end))


_CHARSET = re.compile(rb"<meta[^>]{0,200}?charset\s{0,9}=\s{0,9}[\"']?\s{0,9}([A-Za-z0-9_:.-]{1,40})", re.IGNORECASE)


def _declared(content: bytes) -> str | None:
    """Return the encoding that a page says of itself, in its first bytes (WHATWG HTML, 13.2.3.2)."""
    match = _CHARSET.search(content[:4096])
    return match[1].decode("ascii").lower() if match else None
