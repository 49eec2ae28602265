"""Photographs with a portrait in them, composed so that it is known where the face is, and pictures without people.

The portrait is scikit-image's `astronaut` (NASA, public domain); backgrounds are other pictures that it ships.
"""

# pyright: reportMissingImports=false
# Pillow, numpy, OpenCV and scikit-image are in the demo's environment (requirements.lock), not where types are checked.

from dataclasses import dataclass
from pathlib import Path
from typing import Any

PORTRAIT = (80, 0, 300, 300)
"""The part of the portrait that is pasted: x, y, width, height in pixels of the original."""

HEAD = (72, 12, 150, 176)
"""The head within that part."""

SIZE = (960, 640)
"""Width and height of a composed picture, in pixels."""

ORIENTATION_TAG = 0x0112


@dataclass(frozen=True)
class Variant:
    """How a portrait is put into a picture: where (its middle), how large, turned (degrees) and darkened (factor)."""

    name: str
    background: str
    at: tuple[float, float]
    scale: float
    angle: float = 0.0
    light: float = 1.0
    form: str = "JPEG"
    orientation: int = 1


VARIANTS = (
    Variant("framsida.jpg", "coffee.png", (0.40, 0.45), 1.0),
    Variant("stor.png", "rocket.jpg", (0.55, 0.52), 1.6, form="PNG"),
    Variant("liten.jpg", "chelsea.png", (0.75, 0.35), 0.45),
    Variant("minst.png", "brick.png", (0.25, 0.70), 0.35, form="PNG"),
    Variant("mork.jpg", "grass.png", (0.50, 0.50), 1.0, light=0.28),
    Variant("mork-liten.webp", "gravel.png", (0.30, 0.40), 0.6, light=0.4, form="WEBP"),
    Variant("lutad.jpg", "coffee.png", (0.60, 0.50), 1.0, angle=20),
    Variant("lutad-mer.png", "motorcycle_left.png", (0.50, 0.50), 0.9, angle=-35, form="PNG"),
    Variant("pa-sidan.jpg", "rocket.jpg", (0.50, 0.50), 1.0, angle=90),
    Variant("upp-och-ned.tiff", "chelsea.png", (0.45, 0.50), 1.1, angle=180, form="TIFF"),
    Variant("kameran-pa-hojd.jpg", "motorcycle_left.png", (0.50, 0.45), 1.0, orientation=6),
    Variant("mork-och-lutad.jpg", "hubble_deep_field.jpg", (0.55, 0.45), 0.9, angle=-15, light=0.45),
)
WITHOUT_PEOPLE = ("coffee.png", "chelsea.png", "rocket.jpg", "brick.png", "hubble_deep_field.jpg")


@dataclass(frozen=True)
class Portrait:
    """A picture that was written, and where its face is.

    `matrix` (2 × 3) takes upright coordinates to those of the picture as it is seen (EXIF orientation applied); `head`
    is x, y, width, height in upright coordinates.
    """

    path: str
    variant: Variant
    matrix: Any
    head: tuple[float, float, float, float]


def write(folder: Path) -> list[Portrait]:
    """Write all pictures below `folder`/bilder; return what is known of those with a portrait."""
    import cv2
    import numpy
    from skimage import data

    source = numpy.ascontiguousarray(data.astronaut())
    x, y, width, height = PORTRAIT
    portrait = source[y : y + height, x : x + width]
    target = folder / "bilder"
    target.mkdir(parents=True, exist_ok=True)
    made: list[Portrait] = []
    for variant in VARIANTS:
        upright, head = _composed(portrait, variant)
        seen, matrix = _turned(upright, variant.angle)
        seen = numpy.clip(seen.astype(numpy.float32) * variant.light, 0, 255).astype(numpy.uint8)
        _save(target / variant.name, seen, variant)
        made.append(Portrait(f"bilder/{variant.name}", variant, matrix, head))
    for number, name in enumerate(WITHOUT_PEOPLE):
        picture = cv2.cvtColor(_background(name), cv2.COLOR_RGB2BGR)
        cv2.imwrite(str(target / f"utan-{number}.png"), picture)
    return made


def _background(name: str) -> Any:
    import cv2
    import skimage

    found = cv2.imread(str(Path(str(skimage.__file__)).parent / "data" / name), cv2.IMREAD_COLOR)
    assert found is not None, name
    return cv2.cvtColor(cv2.resize(found, SIZE, interpolation=cv2.INTER_CUBIC), cv2.COLOR_BGR2RGB)


def _composed(portrait: Any, variant: Variant) -> tuple[Any, tuple[float, float, float, float]]:
    import cv2
    import numpy

    picture = _background(variant.background).copy()
    side = round(PORTRAIT[2] * variant.scale)
    small = cv2.resize(portrait, (side, side), interpolation=cv2.INTER_AREA if variant.scale < 1 else cv2.INTER_CUBIC)
    left, top = round(variant.at[0] * SIZE[0] - side / 2), round(variant.at[1] * SIZE[1] - side / 2)
    # A soft edge: a pasted rectangle with a hard one is itself something that detectors see.
    ramp = numpy.minimum(1.0, numpy.minimum(numpy.arange(side) + 1, side - numpy.arange(side)) / (0.06 * side))
    mask = numpy.outer(ramp, ramp)[..., None]
    x0, y0 = max(left, 0), max(top, 0)
    x1, y1 = min(left + side, SIZE[0]), min(top + side, SIZE[1])
    cut = (slice(y0 - top, y1 - top), slice(x0 - left, x1 - left))
    under = picture[y0:y1, x0:x1].astype(numpy.float64)
    picture[y0:y1, x0:x1] = (under * (1 - mask[cut]) + small[cut] * mask[cut]).round().astype(numpy.uint8)
    head = tuple(part * variant.scale for part in HEAD)
    return picture, (left + head[0], top + head[1], head[2], head[3])


def _turned(picture: Any, angle: float) -> tuple[Any, Any]:
    """Turn a picture about its middle on a canvas that holds it whole; return it and the matrix of the turn."""
    import cv2

    height, width = picture.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), angle, 1.0)
    cos, sin = abs(matrix[0, 0]), abs(matrix[0, 1])
    new_width, new_height = round(width * cos + height * sin), round(width * sin + height * cos)
    matrix[0, 2] += (new_width - width) / 2
    matrix[1, 2] += (new_height - height) / 2
    turned = cv2.warpAffine(
        picture, matrix, (new_width, new_height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    return turned, matrix


def _save(path: Path, pixels: Any, variant: Variant) -> None:
    from PIL import Image

    image = Image.fromarray(pixels)
    options: dict[str, Any] = {}
    exif = Image.Exif()
    exif[0x010F] = "Nordvik kamera"
    exif[0x9003] = "2026:05:01 12:00:00"
    gps = exif.get_ifd(0x8825)
    gps[1], gps[2], gps[3], gps[4] = "N", (59.0, 19.0, 46.0), "E", (18.0, 4.0, 7.0)
    if variant.orientation == 6:  # the camera was held upright: stored a quarter turn to the left
        image = image.transpose(Image.Transpose.ROTATE_90)
        exif[ORIENTATION_TAG] = 6
    if variant.form in ("JPEG", "WEBP"):
        options = {"quality": 95, "exif": exif.tobytes()}
    image.save(path, variant.form, **options)
