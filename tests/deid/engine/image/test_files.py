"""A picture is released as a fresh file of pixels, or withheld with a reason; whatever the file is, nothing breaks."""

import io
import secrets
import struct
import zlib
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from services.deid.engine.image.treat import REASONS, probe_image, treat_image
from tests.deid.engine.image.pictures import METADATA_ALONE, pixels, saved


def gradient(mode: str = "RGB", size: tuple[int, int] = (48, 32)) -> Image.Image:
    return Image.linear_gradient("L").resize(size).convert(mode)


def exif_with(word: str, orientation: int = 1) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112], exif[0x010E], exif[0x013B] = orientation, word, word
    exif.get_ifd(0x8769)[0x9286] = b"ASCII\0\0\0" + word.encode()
    gps = exif.get_ifd(0x8825)
    gps[1], gps[2], gps[3], gps[4] = "N", (59.0, 19.0, 46.0), "E", (18.0, 4.0, 7.0)
    gps[29] = word
    return exif


def with_everything(form: str, word: str) -> bytes:
    """A file in which `word` stands in every place but the pixels."""
    exif = exif_with(word)
    if form == "JPEG":
        content = saved(gradient(), form, exif=exif.tobytes(), comment=word.encode(), icc_profile=word.encode() * 20)
        packet = b"http://ns.adobe.com/xap/1.0/\0<x>" + word.encode() + b"</x>"
        app1 = b"\xff\xe1" + struct.pack(">H", len(packet) + 2) + packet
        return content[:2] + app1 + content[2:] + word.encode()
    if form == "PNG":
        notes = PngImagePlugin.PngInfo()
        notes.add_text("Author", word)
        notes.add_text("Comment", word, zip=True)
        notes.add_itxt("XML:com.adobe.xmp", f"<x>{word}</x>")
        return saved(gradient(), form, pnginfo=notes, exif=exif.tobytes()) + b"PK\x03\x04" + word.encode()
    if form == "WEBP":
        return saved(gradient(), form, exif=exif.tobytes(), xmp=word.encode(), lossless=True) + word.encode()
    return saved(gradient(), form, exif=exif, description=word, software=word, artist=word) + word.encode()


def everywhere(content: bytes) -> bytes:
    """The file's bytes and, of a PNG, what its compressed chunks hold."""
    found, at = content, 8
    while content[:4] == b"\x89PNG" and at + 8 <= len(content):
        length, kind = struct.unpack(">I4s", content[at : at + 8])
        if kind == b"zTXt":
            found += zlib.decompress(content[at + 8 : at + 8 + length].split(b"\0", 1)[1][1:])
        at += length + 12
    return found


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_nothing_but_pixels_is_released(form: str) -> None:
    word = "mk" + secrets.token_hex(12)
    content = with_everything(form, word)
    assert word.encode() in everywhere(content), "the word is there to be found"
    treated = treat_image(content, "image/x", METADATA_ALONE)
    assert treated.withheld is None
    assert treated.content is not None
    assert word.encode() not in everywhere(treated.content)
    assert b"GPS" not in treated.content
    assert treated.counts["metadata"]["found"] > 0
    with Image.open(io.BytesIO(treated.content)) as picture:
        assert picture.format == form
        assert not picture.getexif().get_ifd(0x8825)
    assert pixels(treated.content).shape == (32, 48, 3)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_applied_first(orientation: int) -> None:
    upright = Image.new("RGB", (40, 20), (0, 0, 0))
    upright.paste((250, 0, 0), (0, 0, 20, 10))
    stored: Image.Image = {
        2: lambda i: i.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
        3: lambda i: i.transpose(Image.Transpose.ROTATE_180),
        4: lambda i: i.transpose(Image.Transpose.FLIP_TOP_BOTTOM),
        5: lambda i: i.transpose(Image.Transpose.TRANSPOSE),
        6: lambda i: i.transpose(Image.Transpose.ROTATE_90),
        7: lambda i: i.transpose(Image.Transpose.TRANSVERSE),
        8: lambda i: i.transpose(Image.Transpose.ROTATE_270),
    }.get(orientation, lambda i: i)(upright)
    content = saved(stored, "PNG", exif=exif_with("x", orientation).tobytes())
    assert (pixels(treat_image(content, "image/png", METADATA_ALONE).content) == np.asarray(upright)).all()


@pytest.mark.parametrize(
    ("form", "mode"),
    [("PNG", m) for m in ("1", "L", "LA", "P", "RGB", "RGBA", "I;16")]
    + [("JPEG", m) for m in ("L", "RGB", "CMYK")]
    + [("TIFF", m) for m in ("1", "L", "RGB", "RGBA", "CMYK", "I;16")]
    + [("WEBP", m) for m in ("RGB", "RGBA")],
)
def test_every_mode_comes_out_as_it_looked(form: str, mode: str) -> None:
    source = gradient("L").convert("I").point(lambda v: v * 257).convert("I;16") if mode == "I;16" else gradient(mode)
    options: dict[str, Any] = {"quality": 100} if form == "JPEG" else {"lossless": True} if form == "WEBP" else {}
    treated = treat_image(saved(source, form, **options), "image/x", METADATA_ALONE)
    assert treated.withheld is None, (form, mode)
    assert treated.content is not None
    with Image.open(io.BytesIO(treated.content)) as picture:
        assert picture.size == source.size
        if mode == "I;16":
            assert picture.mode in ("I;16", "I"), "sixteen bits stay sixteen bits"
            assert (np.asarray(picture).astype(int) == np.asarray(source).astype(int)).all()
        else:
            # CMYK has no one way to RGB; the others look alike.
            far = np.abs(np.asarray(picture.convert("L")).astype(int) - np.asarray(source.convert("L")).astype(int))
            assert far.mean() < (20 if mode == "CMYK" else 6)


def png_of(width: int, height: int) -> bytes:
    """A PNG that says it is so large, and is small."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 1000)) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xd8\xff",
        b"not a picture",
        b"\x89PNG\r\n\x1a\n",
        png_of(25_000, 20_000),
        png_of(2**31 - 1, 2**31 - 1),
        png_of(0, 10),
        saved(gradient(), "JPEG")[:200],
        saved(gradient(size=(400, 400)), "PNG")[:-200],
        saved(gradient(), "GIF"),
        b"%PDF-1.7 " + saved(gradient(), "JPEG"),
    ],
    ids=["empty", "head", "text", "signature", "500 MP", "bomb", "no width", "cut jpeg", "cut png", "gif", "pdf"],
)
def test_what_cannot_be_treated_is_withheld_with_a_reason(content: bytes) -> None:
    treated = treat_image(content, "image/png", METADATA_ALONE)
    assert treated.content is None
    assert treated.withheld in REASONS
    assert all(REASONS[treated.withheld])


def test_a_bomb_is_known_by_its_head() -> None:
    assert probe_image(png_of(25_000, 20_000)) in REASONS
    assert probe_image(saved(gradient(), "PNG")) is None


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_damaged_files_never_raise(data: st.DataObject) -> None:
    form = data.draw(st.sampled_from(("JPEG", "PNG", "WEBP", "TIFF")))
    content = bytearray(saved(gradient(size=(16, 16)), form))
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    treated = treat_image(bytes(content[: data.draw(st.integers(0, len(content)))]), "image/x", METADATA_ALONE)
    assert (treated.content is None) == (treated.withheld is not None)
    assert treated.withheld is None or treated.withheld in REASONS
