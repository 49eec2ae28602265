"""A file in, a treated file out, or the reason why it is withheld: what is not understood never passes."""

from services.deid.engine import media
from services.deid.engine.embedded import holds_encoded_file
from services.deid.engine.operator import Treated
from services.deid.engine.plan import Plan

REASONS: dict[str, tuple[str, str]] = {
    "type-unknown": (
        "Filens slag är okänt, eller något som ingen operator kan granska.",
        "The file is of a kind that is unknown, or that no operator can look into.",
    ),
    "no-operator-for-text": (
        "Receptet har ingen operator för text.",
        "The recipe has no operator for text.",
    ),
    "no-operator-for-image": (
        "Receptet har ingen operator för bilder.",
        "The recipe has no operator for pictures.",
    ),
    "no-operator-for-table": (
        "Receptet har ingen operator för tabeller.",
        "The recipe has no operator for tables.",
    ),
    "embedded-file": (
        "Texten har en fil eller annan text i Base64 i sig, som ingen operator kan granska.",
        "The text holds a file or other text in Base64, which no operator can look into.",
    ),
    "out-of-memory": (
        "Filen kräver mer minne än en arbetsprocess får använda.",
        "The file takes more memory than a worker process may use.",
    ),
    "failed": (
        "Filen gick inte att behandla; felet är loggat.",
        "The file could not be treated; the error is logged.",
    ),
}
"""By code: Swedish, English."""


def treat_file(content: bytes, path: str, declared_media_type: str, plan: Plan) -> Treated:
    """Return what becomes of a file. Never raises: an unexpected error withholds it as `failed`.

    `measures["error"]` then holds the error's class, and nothing of its message.
    """
    media_type = media.UNKNOWN
    try:
        media_type = media.sniff(content, path, declared_media_type)
        return _treat(content, media_type, plan)
    except MemoryError:
        return Treated(None, media_type, withheld="out-of-memory")
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # Rust's panics, as polars lets them through, are no Exceptions
        return Treated(None, media_type, withheld="failed", measures={"error": type(error).__name__})


def _treat(content: bytes, media_type: str, plan: Plan) -> Treated:
    if media_type == media.EMPTY:
        return Treated(b"", media.PLAIN)
    family = media.family_of(media_type)
    if family is None:
        return Treated(None, media_type, withheld="type-unknown")
    if not plan.of(family) and not (family == "table" and plan.text is not None):
        return Treated(None, media_type, withheld=f"no-operator-for-{family}")
    if family == "image":
        from services.deid.engine.image.treat import treat_image

        return treat_image(content, media_type, plan.of("image"))
    if media_type == media.PARQUET:
        from services.deid.engine.table.treat import treat_parquet

        return treat_parquet(content, plan.of("table"), plan.keys, plan.text)
    if holds_encoded_file(content.replace(b"\0", b"") if b"\0" in content else content):
        return Treated(None, media_type, withheld="embedded-file")
    if family == "table":
        from services.deid.engine.table.treat import treat_csv

        return treat_csv(content, plan.of("table"), plan.keys, plan.text)
    return _treat_text(content, media_type, plan)


def _treat_text(content: bytes, media_type: str, plan: Plan) -> Treated:
    from services.deid.engine.text import formats

    if media_type == media.HTML:
        return formats.treat_html(content, media_type, plan.text)
    if media_type in (media.JSON, media.JSON_LINES):
        return formats.treat_json(content, media_type, plan.text)
    if media_type == media.MARKDOWN:
        return formats.treat_markdown(content, media_type, plan.text)
    return formats.treat_plain(content, media_type, plan.text)
