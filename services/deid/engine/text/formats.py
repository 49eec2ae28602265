"""Treats text files of each format: only text is changed, and the rest keeps its bytes."""

from services.deid.engine.operator import Finding, Treated, pattern
from services.deid.engine.text.encoding import Undecodable, decode_text, encode_text
from services.deid.engine.text.pipeline import TextPlan

__all__ = ["REASONS", "decode_text", "encode_text", "treat_html", "treat_json", "treat_markdown", "treat_plain"]

REASONS: dict[str, tuple[str, str]] = {
    "text-undecodable": (
        "Filen är ingen text i en känd teckenkodning.",
        "The file is no text in a known character encoding.",
    ),
}


def treat_plain(content: bytes, media_type: str, plan: TextPlan) -> Treated:
    """Treat plain text. Undecodable bytes are withheld as `text-undecodable`."""
    try:
        text, encoding = decode_text(content)
    except Undecodable as error:
        return Treated(None, media_type, withheld=error.code)
    result = plan.treat(text)
    if result.withheld:
        return Treated(None, media_type, withheld=result.withheld)
    treated = Treated(encode_text(result.text, encoding), media_type)
    for span in result.spans:
        count = treated.counts.setdefault(span.kind, {"found": 0, "treated": 0})
        count["found"] += 1
        count["treated"] += 1
        if len(treated.findings) < Treated.SAMPLE:
            place, shape = f"characters {span.start}–{span.end}", pattern(text[span.start : span.end])
            treated.findings.append(Finding(span.kind, span.operator, True, place, shape, span.after))
    return treated


treat_markdown = treat_json = treat_html = treat_plain
