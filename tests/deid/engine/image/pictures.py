"""Pictures for the tests of the image engine: a portrait in surroundings without people, and files of every form."""

import io
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from services.deid.engine.image.operators import FACES, METADATA, FacesParams, MetadataParams, Method, Profile
from services.deid.engine.operator import Step

DATA = Path(__file__).parent / "data"
HEAD = (72, 12, 150, 176)
"""The head in the portrait: x, y, width, height."""


def composed(scale: float = 0.6, light: float = 1.0) -> tuple[Image.Image, tuple[int, int, int, int]]:
    """Return a picture of 480 × 320, smooth but for the portrait in it, and the box of its head."""
    picture = Image.linear_gradient("L").resize((480, 320)).convert("RGB")
    portrait = Image.open(DATA / "portrait.jpg").convert("RGB")
    side = round(300 * scale)
    left, top = 60, 40
    picture.paste(portrait.resize((side, side), Image.Resampling.LANCZOS), (left, top))
    dark = np.clip(np.asarray(picture).astype(float) * light, 0, 255).astype(np.uint8)
    x, y, width, height = (round(part * scale) for part in HEAD)
    return Image.fromarray(dark), (left + x, top + y, width, height)


def saved(picture: Image.Image, form: str = "PNG", **options: Any) -> bytes:
    """Return the picture as a file."""
    buffer = io.BytesIO()
    picture.save(buffer, form, **options)
    return buffer.getvalue()


def pixels(content: bytes | None) -> np.ndarray[Any, Any]:
    """Return the pixels of a released file, 8-bit RGB; it must open."""
    assert content is not None
    with Image.open(io.BytesIO(content)) as picture:
        return np.asarray(picture.convert("RGB")).astype(int)


def faces(method: Method = "pixelate", profile: Profile = "gate") -> Step:
    """Return the step that covers faces."""
    return Step(FACES, FacesParams(method=method, profile=profile, grow=0.2))


METADATA_ALONE = (Step(METADATA, MetadataParams()),)
