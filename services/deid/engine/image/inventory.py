"""Counts what a picture file holds beside the picture: what `image.metadata` removes. Contents are not read."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image

BLOCKS = ("exif", "icc_profile", "comment", "photoshop")
"""What Pillow knows of a file beside its pixels, where that says something of people, places, makers or tools."""
XMP = ("xmp", "XML:com.adobe.xmp", "Raw profile type exif", "Raw profile type xmp", "Raw profile type iptc")
TIFF_PIXEL_TAGS = frozenset(
    (
        *(254, 255, 256, 257, 258, 259, 262, 266, 273, 274, 277, 278, 279, 280, 281, 282, 283, 284, 292, 293, 296),
        *(317, 320, 322, 323, 324, 325, 338, 339, 340, 341, 347, 529, 530, 531, 532),
    )
)
"""Tags that pixels need (TIFF 6.0 and its technical notes); each other tag is a block of metadata."""


def metadata_blocks(picture: "Image", content: bytes) -> list[str]:
    """Return the names of the blocks, by kind: `exif`, `xmp`, `icc_profile`, `text`, `tag 315`, `trailing`, …"""
    info = picture.info
    found = [name for name in BLOCKS if info.get(name)]
    if any(info.get(name) for name in XMP):
        found.append("xmp")
    texts = getattr(picture, "text", {}) if picture.format == "PNG" else {}
    found += ["text"] * sum(1 for name in texts if name not in XMP)
    if picture.format == "TIFF":
        found += [f"tag {tag}" for tag in getattr(picture, "tag_v2", {}) if tag not in TIFF_PIXEL_TAGS]
    if picture.format == "MPO":
        found.append("more pictures")
    if has_trailing(str(picture.format), content):
        found.append("trailing")
    return found


def has_trailing(format: str, content: bytes) -> bool:
    """Whether something stands after the end of the picture (of a JPEG: after its last end marker)."""
    if format in ("JPEG", "MPO"):
        return content.rfind(b"\xff\xd9") not in (-1, len(content) - 2)
    if format == "PNG":
        end = content.rfind(b"IEND\xaeB`\x82")
        return end >= 0 and end + 8 < len(content)
    if format == "WEBP":
        size = int.from_bytes(content[4:8], "little") + 8
        return size + size % 2 < len(content)
    return False
