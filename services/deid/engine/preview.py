"""What people see of a treated file when they try a recipe: the beginning of a text or table, or a small picture."""

import base64
import codecs
import io

from services.deid.engine import media
from services.deid.engine.operator import Treated

_CHARACTERS = 2000
_EDGE = 320
_BYTES_OF_TEXT = 64 * 1024


def preview(treated: Treated) -> dict[str, str]:
    """Return {"text": at most 2,000 characters} or {"picture": a JPEG of at most 320 pixels, in Base64}, or nothing."""
    if not treated.content:
        return {}
    try:
        return _preview(treated, treated.content)
    except Exception:  # a picture of the result is a courtesy; the result stands without it
        return {}


def _preview(treated: Treated, content: bytes) -> dict[str, str]:
    if media.family_of(treated.media_type) == "image":
        return {"picture": base64.b64encode(_picture(content)).decode("ascii")}
    if treated.media_type == media.PARQUET:
        return {"text": _rows(content)[:_CHARACTERS]}
    from services.deid.engine.text.formats import decode_text

    return {"text": decode_text(_beginning(content))[0][:_CHARACTERS]}


def _beginning(content: bytes) -> bytes:
    """Return the beginning of a text, without cutting a character in two (UTF-8, UTF-16, or one byte each)."""
    head = content[:_BYTES_OF_TEXT]
    if len(head) == len(content):
        return head
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        high = head[-1 if head.startswith(codecs.BOM_UTF16_LE) else -2]
        return head[:-2] if 0xD8 <= high <= 0xDB else head
    cut = len(head)
    while cut > len(head) - 4 and head[cut - 1] & 0xC0 == 0x80:
        cut -= 1
    return head[: cut - 1]


def _picture(content: bytes) -> bytes:
    from PIL import Image

    with Image.open(io.BytesIO(content)) as image:
        image.thumbnail((_EDGE, _EDGE))
        made = io.BytesIO()
        image.convert("RGB").save(made, "JPEG", quality=80)
        return made.getvalue()


def _rows(content: bytes) -> str:
    import polars

    return polars.read_parquet(io.BytesIO(content), n_rows=50).write_csv()
