"""What the API says about donations and uploads."""

import re
from datetime import date
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints
from pydantic_core import PydanticCustomError

from services.catalog.datasets.schemas import FileOut, IntegrityClass, MediaType, PersonalData
from services.kit.schemas import AllowedAction, Body, Instant, Resource
from services.kit.text import LongText, Name

Purpose = Literal[
    "research",
    "research/basic",
    "research/applied",
    "research/health",
    "research/method-development",
    "education",
    "innovation",
    "innovation/pre-commercial",
    "innovation/product-development",
    "public-interest",
    "public-interest/public-service",
    "public-interest/statistics",
    "benchmarking",
]

_ARTICLE = re.compile(r"(?:6\(1\)|9\(2\))?\(?([a-j])\)?\Z")


def _letter(value: object) -> object:
    """Take `6(1)(e)` for `e`: both are how people write it."""
    found = _ARTICLE.match(value) if isinstance(value, str) else None
    return found.group(1) if found else value


Article6 = Annotated[Literal["a", "b", "c", "d", "e", "f"], BeforeValidator(_letter)]
Article9 = Annotated[Literal["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"], BeforeValidator(_letter)]
# BCP 47: a primary subtag and up to a few more.
LanguageTag = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8}){0,4}$", max_length=35)]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


def _unique_purposes(value: list["LegalBasis"]) -> list["LegalBasis"]:
    if len({basis.purpose for basis in value}) != len(value):
        raise PydanticCustomError("purpose-twice", "a purpose has one legal basis")
    return value


class LegalBasis(Body):
    """Why a purpose is lawful: GDPR Article 6(1), a letter; and Article 9(2), a letter, for special categories."""

    purpose: Purpose
    article6: Article6
    article9: Article9 | None = None


class Secrecy(Body):
    """A secrecy marking of a public body; `provision` names chapter and section of OSL (2009:400)."""

    marked: bool = False
    provision: Name | None = None


class DonationIn(Body):
    """What a donor says about a donation."""

    title: Name = Field(examples=["Handwritten digits"])
    description: LongText = Field(examples=["1,797 scanned digits of 8×8 pixels with labels."])
    language: LanguageTag = Field("en", examples=["en"])
    controller: Name = Field(examples=["Example University, Box 1, 100 00 Stockholm"])
    legal_bases: Annotated[list[LegalBasis], Field(max_length=20), AfterValidator(_unique_purposes)] = []
    origin: LongText = Field(examples=["Collected 1998 from volunteers; digitised at the department."])
    third_party_rights: LongText = Field(examples=["None known."])
    personal_data: PersonalData
    retention_until: date | None = None
    secrecy: Secrecy = Secrecy()
    integrity_class: IntegrityClass
    terms_id: UUID
    partner_id: UUID | None = Field(None, description="The donating partner; your own if left out.")


class DonationChange(Body):
    """What may be changed while the donation is a draft. What is left out stays."""

    title: Name | None = None
    description: LongText | None = None
    language: LanguageTag | None = None
    controller: Name | None = None
    legal_bases: Annotated[list[LegalBasis], Field(max_length=20), AfterValidator(_unique_purposes)] | None = None
    origin: LongText | None = None
    third_party_rights: LongText | None = None
    personal_data: PersonalData | None = None
    retention_until: date | None = None
    secrecy: Secrecy | None = None
    integrity_class: IntegrityClass | None = None
    terms_id: UUID | None = None


class ChecklistItem(Resource):
    """One thing a steward checks, and what they found."""

    key: str
    text: str
    ok: bool
    note: str | None
    checked_by: UUID | None
    checked_at: Instant | None


class UploadTotals(Resource):
    """How far the donation's uploads are: number by state, files that they hold, bytes declared and bytes received."""

    open: int = 0
    received: int = 0
    stored: int = 0
    refused: int = 0
    files: int = 0
    bytes: int = 0


class DonationOut(Resource):
    """A donation case."""

    id: UUID
    partner_id: UUID
    created_by: UUID
    title: str
    description: str
    language: str
    controller: str
    legal_bases: list[LegalBasis]
    origin: str
    third_party_rights: str
    personal_data: PersonalData
    retention_until: date | None
    secrecy: Secrecy
    integrity_class: IntegrityClass
    terms_id: UUID
    terms: dict[str, Any] = Field(description="The terms in normal form, as they were when they were chosen.")
    state: Literal["draft", "submitted", "accepted", "rejected"]
    checklist: list[ChecklistItem]
    uploads: UploadTotals
    dataset_id: UUID | None = Field(description="The dataset made of it, once accepted.")
    version_id: UUID | None = Field(description="The dataset's first version, once accepted.")
    created_at: Instant
    submitted_at: Instant | None
    decided_at: Instant | None
    decided_by: UUID | None
    reasons: str | None
    revision: int
    allowed_actions: list[AllowedAction]


class UploadIn(Body):
    """A file to come. With `unpack`, an archive: its files come beside it, in the folder of `path`."""

    path: str = Field(min_length=1, max_length=4096, examples=["images/0001.png"])
    size: int = Field(ge=0, le=2**53, description="Bytes.", examples=[1024])
    sha256: Sha256 = Field(description="SHA-256 of the whole file, lower-case hex.")
    media_type: MediaType | None = Field(None, description="Guessed from the name if left out.")
    unpack: Literal["zip"] | None = Field(None, description="`zip`: an archive, to be unpacked.", examples=[None])


class UploadOut(Resource):
    """An upload: open until its bytes are here, received until they are verified and encrypted, stored or refused."""

    id: UUID
    donation_id: UUID
    path: str
    size: int
    sha256: str
    media_type: str
    unpack: Literal["zip"] | None
    state: Literal["open", "received", "stored", "refused"]
    reason: str | None = Field(description="Why it was refused.")
    offset: int = Field(description="Bytes received.")
    bytes_done: int = Field(description="Bytes verified and encrypted, of bytes_total.")
    bytes_total: int
    files: int = Field(description="Files it became: one, or those of the archive.")
    upload_url: str = Field(description="Where to send the bytes, by tus 1.0.")


class CheckIn(Body):
    """What a steward found."""

    ok: bool
    note: LongText | None = None


class ChecklistIn(Body):
    """Items by key; those left out stay as they are."""

    items: dict[str, CheckIn] = Field(min_length=1, max_length=50)


class DecisionIn(Body):
    """Why a donation is accepted or rejected."""

    reasons: LongText = Field(examples=["Everything on the checklist holds."])


class Acceptance(Resource):
    """An accepted donation, and what became of it."""

    donation: DonationOut
    dataset_id: UUID
    version_id: UUID


class Receipt(Resource):
    """What was taken in: every file with its digest, and the digest of them all."""

    donation_id: UUID
    dataset_id: UUID
    version_id: UUID
    version_digest: str
    accepted_at: Instant
    files: list[FileOut]
