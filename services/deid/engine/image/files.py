"""Picture files: what may be opened at all, decided from headers alone, before a pixel is decoded."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image

MAX_PIXELS = 100_000_000
"""Of one frame or page: what a large camera gives, at some 100 bytes of memory a pixel's worth of work at the most."""
MAX_BYTES = 400_000_000
"""Of one decoded frame or page."""
MAX_FRAMES = 2_000
MAX_TOTAL_PIXELS = 400_000_000
"""Of all frames or pages of a file together."""

MEDIA_TYPES = {
    "JPEG": "image/jpeg",
    "MPO": "image/jpeg",
    "PNG": "image/png",
    "TIFF": "image/tiff",
    "WEBP": "image/webp",
}
"""What is treated, by Pillow's name of the format. MPO is a JPEG with more pictures behind it: those are left out."""
OPENED = tuple(format for format in MEDIA_TYPES if format != "MPO")
"""Formats whose readers may look at a file at all; Pillow's JPEG reader opens MPO."""

REASONS: dict[str, tuple[str, str]] = {
    "image-type-unsupported": (
        "Bilden har ett format som inte kan behandlas. JPEG, PNG, TIFF och WebP går.",
        "The picture has a format that cannot be treated. JPEG, PNG, TIFF and WebP can.",
    ),
    "image-too-large": (
        "Bilden har fler än 100 miljoner bildpunkter och avkodas inte.",
        "The picture has more than 100 million pixels and is not decoded.",
    ),
    "image-too-many-frames": (
        "Filen har för många bilder: högst 2 000, med högst 400 miljoner bildpunkter tillsammans.",
        "The file has too many pictures: at most 2,000, with at most 400 million pixels together.",
    ),
    "image-empty": ("Bilden har inga bildpunkter.", "The picture has no pixels."),
    "image-truncated": ("Bildfilen tar slut för tidigt.", "The picture file ends too early."),
    "image-damaged": (
        "Bildfilen är skadad och kan inte avkodas.",
        "The picture file is damaged and cannot be decoded.",
    ),
    "image-too-small-for-encoding": (
        "Bilden kan inte skrivas i sitt format igen.",
        "The picture cannot be written in its format again.",
    ),
}
"""Why a picture is withheld: code → (Swedish, English)."""


class Refused(Exception):
    """The picture is withheld; `code` is one of `REASONS`."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True)
class Probe:
    """What the headers of a picture file say."""

    format: str
    frames: int
    width: int
    height: int


@contextmanager
def opened(content: bytes) -> "Iterator[Image]":
    """Give the file as an unloaded Pillow picture that is within the limits; raises Refused for everything else.

    What goes wrong while the caller decodes raises Refused too.
    """
    from PIL import Image, UnidentifiedImageError

    if not content:
        raise Refused("image-empty")
    Image.MAX_IMAGE_PIXELS = MAX_PIXELS
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(BytesIO(content), formats=OPENED) as picture:
                check(picture)
                yield picture
    except Refused:
        raise
    except (Image.DecompressionBombWarning, Image.DecompressionBombError):
        raise Refused("image-too-large") from None
    except UnidentifiedImageError:
        raise Refused("image-damaged" if known(content) else "image-type-unsupported") from None
    except MemoryError:
        raise Refused("image-too-large") from None
    except Exception as error:  # decoders raise what they like: OSError, SyntaxError, struct.error, ValueError, …
        raise Refused("image-truncated" if "truncated" in str(error).lower() else "image-damaged") from None


def known(content: bytes) -> bool:
    """Whether a file begins as one of the formats does, so that what follows must be damaged."""
    head = content[:12]
    return head.startswith((b"\xff\xd8", b"\x89PNG", b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")) or (
        head[:4] == b"RIFF" and head[8:] == b"WEBP"
    )


def check(picture: "Image") -> Probe:
    """Return what the headers say; raises Refused when the limits do not let it be decoded."""
    format = picture.format or ""
    if format == "MPO":
        frames = 1
    else:
        frames = int(getattr(picture, "n_frames", 1))
    width, height = picture.size
    if width < 1 or height < 1:
        raise Refused("image-empty")
    if width * height > MAX_PIXELS or width * height * bytes_of_pixel(picture) > MAX_BYTES:
        raise Refused("image-too-large")
    # Pages of a TIFF differ in size and are looked at one by one; the frames of an animation do not.
    if frames > MAX_FRAMES or (format != "TIFF" and width * height * frames > MAX_TOTAL_PIXELS):
        raise Refused("image-too-many-frames")
    return Probe(format, frames, width, height)


def bytes_of_pixel(picture: "Image") -> int:
    """Return how many bytes a decoded pixel takes."""
    depth = 2 if deep(picture) or picture.mode.startswith("I;16") else 4 if picture.mode in ("I", "F") else 1
    return depth * len(picture.getbands())


def deep(picture: "Image") -> bool:
    """Whether it has 16 bits a channel and several channels, which Pillow would cut to 8."""
    if picture.format == "PNG":
        tiles = getattr(picture, "tile", None)
        rawmode = tiles[0].args if tiles else ""
        return isinstance(rawmode, str) and rawmode.endswith(";16B") and rawmode[:2] in ("RG", "LA")
    if picture.format == "TIFF":
        bits = getattr(picture, "tag_v2", {}).get(258, (8,))
        bits = bits if isinstance(bits, tuple) else (bits,)
        return len(bits) > 1 and set(bits) == {16}
    return False
