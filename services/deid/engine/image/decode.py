"""From a picture file to its pixels, upright, in sRGB, and nothing else of the file."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from io import BytesIO
from typing import TYPE_CHECKING, Any

from services.deid.engine.image.files import Refused, bytes_of_pixel, check, deep

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image

ORIENTATION = 0x0112
"""The EXIF and TIFF tag (JEITA CP-3451, TIFF 6.0): 1 to 8, how the stored picture is turned and mirrored."""


@dataclass(frozen=True)
class Frame:
    """One picture, page or frame of a file.

    `pixels` is height × width (grey) or height × width × channels (grey and alpha, RGB, RGBA), of uint8 or uint16; of
    int32 or float32 only for grey TIFF pages.
    """

    pixels: "NDArray[Any]"
    bilevel: bool = False
    """Whether all pixels are 0 or 255, one bit each in the file."""
    duration: float = 0.0
    """Of a frame of an animation, in milliseconds."""

    @property
    def channels(self) -> int:
        """1 grey, 2 grey and alpha, 3 RGB, 4 RGBA."""
        return 1 if self.pixels.ndim == 2 else int(self.pixels.shape[2])

    @property
    def has_alpha(self) -> bool:
        """Whether the last channel tells opacity."""
        return self.channels in (2, 4)

    def view(self) -> "NDArray[np.uint8]":
        """Return the colours as height × width × 3 of uint8 for the detector, whatever the depth; alpha left out."""
        import cv2
        import numpy as np

        colours = self.pixels[..., :-1] if self.has_alpha else self.pixels
        if colours.ndim == 3 and colours.shape[2] == 1:
            colours = colours[..., 0]
        if colours.dtype != np.uint8:
            colours = stretched(colours)
        if colours.ndim == 2:
            return cv2.cvtColor(np.ascontiguousarray(colours), cv2.COLOR_GRAY2RGB)  # pyright: ignore[reportReturnType]
        return np.ascontiguousarray(colours)


def stretched(values: "NDArray[Any]") -> "NDArray[np.uint8]":
    """Return values of any range as 0–255: cameras and scanners that write 16 bits often use 12 or 14 of them."""
    import numpy as np

    sample = values[:: max(1, values.shape[0] // 512), :: max(1, values.shape[1] // 512)].astype(np.float64)
    sample = sample[np.isfinite(sample)]
    low, high = np.percentile(sample, (0.1, 99.9)) if sample.size else (0.0, 1.0)
    scale = 255.0 / max(high - low, 1e-12)
    result = np.empty(values.shape, np.uint8)
    for row in range(0, values.shape[0], 256):  # in strips: float copies of a large picture are larger still
        strip = np.nan_to_num((values[row : row + 256].astype(np.float64) - low) * scale)
        result[row : row + 256] = np.clip(strip, 0, 255).astype(np.uint8)
    return result


def frames(picture: "Image", content: bytes) -> Iterator[Frame]:
    """Decode the frames or pages of an opened file one by one; raises what decoders raise (`files.opened` maps it)."""
    total = 1 if picture.format == "MPO" else int(getattr(picture, "n_frames", 1))
    for number in range(total):
        if number:
            picture.seek(number)
            check(picture)
        # Asked in this order: reading a PNG's EXIF loads it, and a loaded picture has forgotten how deep its file is;
        # a TIFF is turned by Pillow itself while it loads, and the tag forgotten.
        in_depth = deep(picture)
        turn = orientation(picture)
        duration = float(picture.info.get("duration") or 0)
        if in_depth:
            frame = Frame(_deep_pixels(content, number))
        else:
            picture.load()
            if picture.format == "TIFF":
                turn = 1
            frame = _decoded(picture)
        frame = replace(frame, pixels=oriented(frame.pixels, turn), duration=duration)
        yield _without_hidden_colours(frame)


def orientation(picture: "Image") -> int:
    """Return the EXIF orientation, 1 when there is none that can be read."""
    try:
        value = picture.getexif().get(ORIENTATION, 1)
    except Exception:  # a broken EXIF block turns nothing
        return 1
    return int(value) if isinstance(value, int) and 1 <= value <= 8 else 1


def oriented(pixels: "NDArray[Any]", orientation: int) -> "NDArray[Any]":
    """Return the pixels as a viewer shows them; `orientation` as in EXIF."""
    if orientation >= 5:
        pixels = pixels.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    import numpy as np

    return np.ascontiguousarray(pixels)


def _decoded(picture: "Image") -> Frame:
    """Return the loaded picture's current frame."""
    import numpy as np

    mode = picture.mode
    if mode == "1":
        return Frame(np.asarray(picture.convert("L")), bilevel=True)
    if mode.startswith("I;16"):
        return Frame(np.asarray(picture).astype(np.uint16))
    if mode in ("I", "F"):
        return Frame(np.array(picture))
    if "transparency" in picture.info:
        coloured = picture.convert("RGBA")
    else:
        with_alpha = {"P": _palette_mode(picture), "PA": "RGBA", "RGBa": "RGBA", "La": "LA"}
        coloured = picture.convert(with_alpha[mode]) if mode in with_alpha else picture
    return Frame(np.array(in_srgb(coloured)))


def _palette_mode(picture: "Image") -> str:
    return "RGBA" if picture.palette is not None and picture.palette.mode == "RGBA" else "RGB"


def in_srgb(picture: "Image") -> "Image":
    """Return the picture in L, LA, RGB or RGBA, its colours moved from the profile it carries to sRGB.

    A profile that is broken, or not of the picture's kind, is left out of account.
    """
    from PIL import ImageCms

    plain = picture if picture.mode in ("L", "LA", "RGB", "RGBA") else None
    profile = picture.info.get("icc_profile")
    if profile:
        try:
            source = ImageCms.ImageCmsProfile(BytesIO(profile))
            if plain is not None and "srgb" in ImageCms.getProfileDescription(source).lower():
                return plain
            if picture.mode in ("RGB", "RGBA", "CMYK", "L"):
                target = ImageCms.createProfile("sRGB")
                mode = "RGBA" if picture.mode == "RGBA" else "RGB"
                converted = ImageCms.profileToProfile(picture, source, target, outputMode=mode)
                if converted is not None:
                    return converted.convert("L") if picture.mode == "L" else converted
        except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
            pass
    return plain if plain is not None else picture.convert("RGB")


def _deep_pixels(content: bytes, number: int) -> "NDArray[Any]":
    """Decode frame `number` with 16 bits a channel, which Pillow cannot."""
    import cv2
    import numpy as np

    buffer = np.frombuffer(content, np.uint8)
    try:
        if number:
            done, several = cv2.imdecodemulti(buffer, cv2.IMREAD_UNCHANGED, range=(number, number + 1))
            pixels = several[0] if done else None
        else:
            pixels = cv2.imdecode(buffer, cv2.IMREAD_UNCHANGED)
    except cv2.error:
        raise Refused("image-damaged") from None
    if pixels is None:
        raise Refused("image-damaged")
    if pixels.ndim == 3 and pixels.shape[2] in (3, 4):
        pixels = cv2.cvtColor(pixels, cv2.COLOR_BGRA2RGBA if pixels.shape[2] == 4 else cv2.COLOR_BGR2RGB)
    return pixels


def _without_hidden_colours(frame: Frame) -> Frame:
    """Blacken what nobody sees: colours under full transparency survive re-encoding and can be made visible again."""
    if not frame.has_alpha:
        return frame
    hidden = frame.pixels[..., -1] == 0
    if not hidden.any():
        return frame
    pixels = frame.pixels.copy()
    pixels[hidden] = 0
    return replace(frame, pixels=pixels)


__all__ = ["Frame", "bytes_of_pixel", "frames", "in_srgb", "oriented"]
