import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class DonationSubmitted(_message.Message):
    __slots__ = ("donation_id", "partner_id", "terms_id", "submitted_by")
    DONATION_ID_FIELD_NUMBER: _ClassVar[int]
    PARTNER_ID_FIELD_NUMBER: _ClassVar[int]
    TERMS_ID_FIELD_NUMBER: _ClassVar[int]
    SUBMITTED_BY_FIELD_NUMBER: _ClassVar[int]
    donation_id: str
    partner_id: str
    terms_id: str
    submitted_by: str
    def __init__(self, donation_id: _Optional[str] = ..., partner_id: _Optional[str] = ..., terms_id: _Optional[str] = ..., submitted_by: _Optional[str] = ...) -> None: ...

class DonationAccepted(_message.Message):
    __slots__ = ("donation_id", "partner_id", "dataset_id", "version_id", "accepted_by")
    DONATION_ID_FIELD_NUMBER: _ClassVar[int]
    PARTNER_ID_FIELD_NUMBER: _ClassVar[int]
    DATASET_ID_FIELD_NUMBER: _ClassVar[int]
    VERSION_ID_FIELD_NUMBER: _ClassVar[int]
    ACCEPTED_BY_FIELD_NUMBER: _ClassVar[int]
    donation_id: str
    partner_id: str
    dataset_id: str
    version_id: str
    accepted_by: str
    def __init__(self, donation_id: _Optional[str] = ..., partner_id: _Optional[str] = ..., dataset_id: _Optional[str] = ..., version_id: _Optional[str] = ..., accepted_by: _Optional[str] = ...) -> None: ...

class DonationRejected(_message.Message):
    __slots__ = ("donation_id", "partner_id", "rejected_by")
    DONATION_ID_FIELD_NUMBER: _ClassVar[int]
    PARTNER_ID_FIELD_NUMBER: _ClassVar[int]
    REJECTED_BY_FIELD_NUMBER: _ClassVar[int]
    donation_id: str
    partner_id: str
    rejected_by: str
    def __init__(self, donation_id: _Optional[str] = ..., partner_id: _Optional[str] = ..., rejected_by: _Optional[str] = ...) -> None: ...

class VersionCommitted(_message.Message):
    __slots__ = ("version_id", "dataset_id", "parent_version_ids", "digest", "files", "bytes", "personal_data")
    VERSION_ID_FIELD_NUMBER: _ClassVar[int]
    DATASET_ID_FIELD_NUMBER: _ClassVar[int]
    PARENT_VERSION_IDS_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    FILES_FIELD_NUMBER: _ClassVar[int]
    BYTES_FIELD_NUMBER: _ClassVar[int]
    PERSONAL_DATA_FIELD_NUMBER: _ClassVar[int]
    version_id: str
    dataset_id: str
    parent_version_ids: _containers.RepeatedScalarFieldContainer[str]
    digest: str
    files: int
    bytes: int
    personal_data: str
    def __init__(self, version_id: _Optional[str] = ..., dataset_id: _Optional[str] = ..., parent_version_ids: _Optional[_Iterable[str]] = ..., digest: _Optional[str] = ..., files: _Optional[int] = ..., bytes: _Optional[int] = ..., personal_data: _Optional[str] = ...) -> None: ...

class VersionReleased(_message.Message):
    __slots__ = ("version_id", "dataset_id", "released_by", "gate")
    VERSION_ID_FIELD_NUMBER: _ClassVar[int]
    DATASET_ID_FIELD_NUMBER: _ClassVar[int]
    RELEASED_BY_FIELD_NUMBER: _ClassVar[int]
    GATE_FIELD_NUMBER: _ClassVar[int]
    version_id: str
    dataset_id: str
    released_by: str
    gate: str
    def __init__(self, version_id: _Optional[str] = ..., dataset_id: _Optional[str] = ..., released_by: _Optional[str] = ..., gate: _Optional[str] = ...) -> None: ...

class DatasetPublished(_message.Message):
    __slots__ = ("dataset_id", "partner_id", "terms_id", "integrity_class")
    DATASET_ID_FIELD_NUMBER: _ClassVar[int]
    PARTNER_ID_FIELD_NUMBER: _ClassVar[int]
    TERMS_ID_FIELD_NUMBER: _ClassVar[int]
    INTEGRITY_CLASS_FIELD_NUMBER: _ClassVar[int]
    dataset_id: str
    partner_id: str
    terms_id: str
    integrity_class: str
    def __init__(self, dataset_id: _Optional[str] = ..., partner_id: _Optional[str] = ..., terms_id: _Optional[str] = ..., integrity_class: _Optional[str] = ...) -> None: ...

class DatasetWithdrawn(_message.Message):
    __slots__ = ("dataset_id", "partner_id", "version_ids", "withdrawn_at")
    DATASET_ID_FIELD_NUMBER: _ClassVar[int]
    PARTNER_ID_FIELD_NUMBER: _ClassVar[int]
    VERSION_IDS_FIELD_NUMBER: _ClassVar[int]
    WITHDRAWN_AT_FIELD_NUMBER: _ClassVar[int]
    dataset_id: str
    partner_id: str
    version_ids: _containers.RepeatedScalarFieldContainer[str]
    withdrawn_at: _timestamp_pb2.Timestamp
    def __init__(self, dataset_id: _Optional[str] = ..., partner_id: _Optional[str] = ..., version_ids: _Optional[_Iterable[str]] = ..., withdrawn_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class KeyDestroyed(_message.Message):
    __slots__ = ("version_id", "dataset_id", "destroyed_at")
    VERSION_ID_FIELD_NUMBER: _ClassVar[int]
    DATASET_ID_FIELD_NUMBER: _ClassVar[int]
    DESTROYED_AT_FIELD_NUMBER: _ClassVar[int]
    version_id: str
    dataset_id: str
    destroyed_at: _timestamp_pb2.Timestamp
    def __init__(self, version_id: _Optional[str] = ..., dataset_id: _Optional[str] = ..., destroyed_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...
