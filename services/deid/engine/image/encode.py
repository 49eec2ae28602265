"""From pixels to a fresh picture file that holds nothing but them.

Lossless where the format is; JPEG at quality 95 without chroma subsampling, lossy WebP at quality 95: what is not
treated is to stay as good as it was.
"""

from io import BytesIO
from typing import TYPE_CHECKING, Any, Protocol

from services.deid.engine.image.decode import Frame
from services.deid.engine.image.files import Refused
from services.deid.engine.image.tiff import TiffWriter

if TYPE_CHECKING:
    from PIL.Image import Image

JPEG_QUALITY = 95
WEBP_QUALITY = 95


class Writer(Protocol):
    """Takes the frames of a file in order and gives the new file."""

    def add(self, frame: Frame) -> None:
        """Take the next frame."""
        ...

    def finish(self) -> bytes:
        """Return the file; raises Refused when the format cannot hold it."""
        ...


def writer(picture: "Image", content: bytes) -> Writer:
    """Return what writes files like the opened one."""
    format = "JPEG" if picture.format == "MPO" else str(picture.format)
    if format == "TIFF":
        return _Tiff()
    options: dict[str, Any] = {
        "JPEG": {"quality": JPEG_QUALITY, "subsampling": "4:4:4"},
        "PNG": {},
        "WEBP": {"lossless": True, "quality": 60} if _is_lossless(content) else {"quality": WEBP_QUALITY, "method": 4},
    }[format]
    if format in ("PNG", "WEBP") and int(getattr(picture, "n_frames", 1)) > 1:
        options = {**options, "loop": int(picture.info.get("loop") or 0)}
        if format == "PNG":
            options["default_image"] = bool(picture.info.get("default_image"))
        return _Animation(format, options)
    return _Still(format, options)


def _is_lossless(content: bytes) -> bool:
    """Whether a WebP file's first picture is coded without loss (chunk `VP8L`)."""
    lossy, lossless = content.find(b"VP8 ", 12), content.find(b"VP8L", 12)
    return lossless >= 0 and (lossy < 0 or lossless < lossy)


class _Tiff:
    def __init__(self) -> None:
        self._file = TiffWriter()

    def add(self, frame: Frame) -> None:
        self._file.add(frame.pixels, bilevel=frame.bilevel)

    def finish(self) -> bytes:
        return self._file.finish()


class _Still:
    """One picture; only the first frame counts."""

    def __init__(self, format: str, options: dict[str, Any]) -> None:
        self._format, self._options = format, options
        self._content = b""

    def add(self, frame: Frame) -> None:
        import cv2
        import numpy as np

        if frame.pixels.dtype == np.uint16:
            if self._format != "PNG":
                raise Refused("image-damaged")
            order = {3: cv2.COLOR_RGB2BGR, 4: cv2.COLOR_RGBA2BGRA}.get(frame.channels)
            pixels = frame.pixels if order is None else cv2.cvtColor(frame.pixels, order)
            self._content = cv2.imencode(".png", pixels)[1].tobytes()
            return
        buffer = BytesIO()
        _pillow(frame, self._format).save(buffer, self._format, **self._options)
        self._content = buffer.getvalue()

    def finish(self) -> bytes:
        return self._content


class _Animation:
    """Frames with their durations."""

    def __init__(self, format: str, options: dict[str, Any]) -> None:
        self._format, self._options = format, options
        self._frames: list[Image] = []
        self._durations: list[float] = []

    def add(self, frame: Frame) -> None:
        self._frames.append(_pillow(frame, self._format))
        self._durations.append(frame.duration)

    def finish(self) -> bytes:
        buffer = BytesIO()
        first, *others = self._frames
        durations = [round(each) for each in self._durations]
        if self._format == "PNG" and self._options.get("default_image"):
            durations = durations[1:]
        first.save(
            buffer,
            self._format,
            save_all=True,
            append_images=others,
            duration=durations,
            disposal=1,
            blend=0,
            **self._options,
        ) if self._format == "PNG" else first.save(
            buffer, self._format, save_all=True, append_images=others, duration=durations, **self._options
        )
        return buffer.getvalue()


def _pillow(frame: Frame, format: str) -> "Image":
    """Return the frame as a Pillow picture in a mode that the format holds."""
    from PIL import Image

    picture = Image.fromarray(frame.pixels)
    if frame.bilevel and format == "PNG":
        return picture.convert("1", dither=Image.Dither.NONE)
    if format == "JPEG" and frame.has_alpha:
        return picture.convert("L" if frame.channels == 2 else "RGB")
    if format == "WEBP" and frame.channels < 3:
        return picture.convert("RGBA" if frame.has_alpha else "RGB")
    return picture
