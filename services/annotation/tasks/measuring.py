"""How large an item is, so that marks can be held against it: asked of its bytes once, when somebody first needs it."""

import asyncio
import io
from dataclasses import dataclass

from PIL import Image
from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile

from services.annotation.campaigns import catalog
from services.annotation.campaigns.models import Campaign, Item
from services.annotation.campaigns.shapes import Item as ItemShape
from services.annotation.campaigns.shapes import LabelSchema
from services.annotation.tasks import repository
from services.kit.context import Context
from services.kit.db import RuleSession
from services.kit.tokens import Subject

LARGEST = 32 * 1024 * 1024
"""Bytes of a file that is read whole; of larger ones only the head, which most pictures need no more of."""
_HEAD = 256 * 1024
# Each refuses what is not its own. `Image.open` is not used: it warns of large pictures instead of measuring them.
_READERS = (PngImageFile, JpegImageFile, WebPImageFile, TiffImageFile, GifImageFile, BmpImageFile)
_ORIENTATION = 0x0112
_TURNED = frozenset({5, 6, 7, 8})
"""EXIF orientations that exchange width and height (CIPA DC-008 §4.6.4)."""


@dataclass(frozen=True)
class Measures:
    """Pixels of the oriented image, or code points of the text; all None: it cannot be read."""

    width: int | None = None
    height: int | None = None
    length: int | None = None

    @property
    def readable(self) -> bool:
        """Whether there is anything to mark."""
        return self.width is not None or self.length is not None


def needed(schema: LabelSchema, item: Item) -> bool:
    """Whether marks of this schema are places, and nobody has measured the item yet."""
    return schema.geometry is not None and item.measured is None


async def measure(ctx: Context, caller: Subject, campaign: Campaign, item: Item, path: str, permit: str) -> Measures:
    """Read as much of an item as it takes to know its size, under the caller's permit."""
    text = item.media_type.startswith("text/")

    async def read(first: int | None) -> bytes:
        if item.size == 0:
            return b""
        return await catalog.read_file(ctx, caller, campaign.version_id, path, permit, first=first)

    if text:
        if item.size > LARGEST:
            return Measures()
        content = await read(None)
        return Measures(length=await asyncio.to_thread(length_of, content))
    head = await read(_HEAD if item.size > _HEAD else None)
    size = await asyncio.to_thread(size_of, head)
    if size is None and _HEAD < item.size <= LARGEST:
        content = await read(None)
        size = await asyncio.to_thread(size_of, content)
    return Measures() if size is None else Measures(width=size[0], height=size[1])


async def note(session: RuleSession, item: Item, measures: Measures) -> Item:
    """Put what was measured into the item's row, and return it as it is now."""
    word = "yes" if measures.readable else "unreadable"
    return await repository.set_measures(
        session, item.id, measured=word, width=measures.width, height=measures.height, length=measures.length
    )


def shape_of(item: Item, path: str = "") -> ItemShape:
    """Return the item as a value."""
    return ItemShape(path, item.media_type, item.width, item.height, item.length)


def size_of(content: bytes) -> tuple[int, int] | None:
    """Return width and height of an image once its EXIF orientation is applied; None when it is no image.

    Only its headers are read: what they claim costs nothing here, so no picture is too large to be measured.
    """
    for reader in _READERS:
        try:
            with reader(io.BytesIO(content)) as image:
                (width, height), turned = image.size, _orientation(image) in _TURNED
        except Exception:  # noqa: S112 - hostile files raise all kinds of exceptions; then it is not of this format
            continue
        if width > 0 and height > 0:
            return (height, width) if turned else (width, height)
    return None


def _orientation(image: ImageFile) -> int | None:
    """Return the EXIF orientation that is still to be applied, as far as it stands in what was read of the file."""
    raw = image.info.get("exif")
    if isinstance(image, TiffImageFile) or not isinstance(raw, bytes):
        return None  # Pillow tells the size of an oriented TIFF by itself
    exif = Image.Exif()
    exif.load(raw)
    found = exif.get(_ORIENTATION)
    return found if isinstance(found, int) else None


def length_of(content: bytes) -> int:
    """Return how many Unicode code points a text has: UTF-8, UTF-16 with a byte order mark, else Latin-1."""
    for mark, encoding in ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be")):
        if content.startswith(mark):
            return len(content[len(mark) :].decode(encoding, "replace"))
    try:
        return len(content.decode("utf-8"))
    except UnicodeDecodeError:
        return len(content)
