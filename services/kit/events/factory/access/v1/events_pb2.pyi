import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class TermsPublished(_message.Message):
    __slots__ = ("terms_id", "partner_id", "number", "digest")
    TERMS_ID_FIELD_NUMBER: _ClassVar[int]
    PARTNER_ID_FIELD_NUMBER: _ClassVar[int]
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    terms_id: str
    partner_id: str
    number: int
    digest: str
    def __init__(self, terms_id: _Optional[str] = ..., partner_id: _Optional[str] = ..., number: _Optional[int] = ..., digest: _Optional[str] = ...) -> None: ...

class RequestSubmitted(_message.Message):
    __slots__ = ("request_id", "project_id", "dataset_id", "donor_partner_id", "actions", "purpose", "submitted_by")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    PROJECT_ID_FIELD_NUMBER: _ClassVar[int]
    DATASET_ID_FIELD_NUMBER: _ClassVar[int]
    DONOR_PARTNER_ID_FIELD_NUMBER: _ClassVar[int]
    ACTIONS_FIELD_NUMBER: _ClassVar[int]
    PURPOSE_FIELD_NUMBER: _ClassVar[int]
    SUBMITTED_BY_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    project_id: str
    dataset_id: str
    donor_partner_id: str
    actions: _containers.RepeatedScalarFieldContainer[str]
    purpose: str
    submitted_by: str
    def __init__(self, request_id: _Optional[str] = ..., project_id: _Optional[str] = ..., dataset_id: _Optional[str] = ..., donor_partner_id: _Optional[str] = ..., actions: _Optional[_Iterable[str]] = ..., purpose: _Optional[str] = ..., submitted_by: _Optional[str] = ...) -> None: ...

class RequestDecided(_message.Message):
    __slots__ = ("request_id", "project_id", "dataset_id", "approved", "grant_id", "decided_by")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    PROJECT_ID_FIELD_NUMBER: _ClassVar[int]
    DATASET_ID_FIELD_NUMBER: _ClassVar[int]
    APPROVED_FIELD_NUMBER: _ClassVar[int]
    GRANT_ID_FIELD_NUMBER: _ClassVar[int]
    DECIDED_BY_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    project_id: str
    dataset_id: str
    approved: bool
    grant_id: str
    decided_by: str
    def __init__(self, request_id: _Optional[str] = ..., project_id: _Optional[str] = ..., dataset_id: _Optional[str] = ..., approved: _Optional[bool] = ..., grant_id: _Optional[str] = ..., decided_by: _Optional[str] = ...) -> None: ...

class AgreementSigned(_message.Message):
    __slots__ = ("agreement_id", "grant_id", "project_id", "digest", "signed_by")
    AGREEMENT_ID_FIELD_NUMBER: _ClassVar[int]
    GRANT_ID_FIELD_NUMBER: _ClassVar[int]
    PROJECT_ID_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    SIGNED_BY_FIELD_NUMBER: _ClassVar[int]
    agreement_id: str
    grant_id: str
    project_id: str
    digest: str
    signed_by: str
    def __init__(self, agreement_id: _Optional[str] = ..., grant_id: _Optional[str] = ..., project_id: _Optional[str] = ..., digest: _Optional[str] = ..., signed_by: _Optional[str] = ...) -> None: ...

class GrantIssued(_message.Message):
    __slots__ = ("grant_id", "project_id", "dataset_id", "request_id", "agreement_id", "actions", "purpose", "until")
    GRANT_ID_FIELD_NUMBER: _ClassVar[int]
    PROJECT_ID_FIELD_NUMBER: _ClassVar[int]
    DATASET_ID_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    AGREEMENT_ID_FIELD_NUMBER: _ClassVar[int]
    ACTIONS_FIELD_NUMBER: _ClassVar[int]
    PURPOSE_FIELD_NUMBER: _ClassVar[int]
    UNTIL_FIELD_NUMBER: _ClassVar[int]
    grant_id: str
    project_id: str
    dataset_id: str
    request_id: str
    agreement_id: str
    actions: _containers.RepeatedScalarFieldContainer[str]
    purpose: str
    until: _timestamp_pb2.Timestamp
    def __init__(self, grant_id: _Optional[str] = ..., project_id: _Optional[str] = ..., dataset_id: _Optional[str] = ..., request_id: _Optional[str] = ..., agreement_id: _Optional[str] = ..., actions: _Optional[_Iterable[str]] = ..., purpose: _Optional[str] = ..., until: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class GrantRevoked(_message.Message):
    __slots__ = ("grant_id", "project_id", "dataset_id", "revoked_by", "revoked_at")
    GRANT_ID_FIELD_NUMBER: _ClassVar[int]
    PROJECT_ID_FIELD_NUMBER: _ClassVar[int]
    DATASET_ID_FIELD_NUMBER: _ClassVar[int]
    REVOKED_BY_FIELD_NUMBER: _ClassVar[int]
    REVOKED_AT_FIELD_NUMBER: _ClassVar[int]
    grant_id: str
    project_id: str
    dataset_id: str
    revoked_by: str
    revoked_at: _timestamp_pb2.Timestamp
    def __init__(self, grant_id: _Optional[str] = ..., project_id: _Optional[str] = ..., dataset_id: _Optional[str] = ..., revoked_by: _Optional[str] = ..., revoked_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class GrantExpired(_message.Message):
    __slots__ = ("grant_id", "project_id", "dataset_id", "expired_at")
    GRANT_ID_FIELD_NUMBER: _ClassVar[int]
    PROJECT_ID_FIELD_NUMBER: _ClassVar[int]
    DATASET_ID_FIELD_NUMBER: _ClassVar[int]
    EXPIRED_AT_FIELD_NUMBER: _ClassVar[int]
    grant_id: str
    project_id: str
    dataset_id: str
    expired_at: _timestamp_pb2.Timestamp
    def __init__(self, grant_id: _Optional[str] = ..., project_id: _Optional[str] = ..., dataset_id: _Optional[str] = ..., expired_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class CourseCompleted(_message.Message):
    __slots__ = ("completion_id", "user_id", "course", "valid_until")
    COMPLETION_ID_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    COURSE_FIELD_NUMBER: _ClassVar[int]
    VALID_UNTIL_FIELD_NUMBER: _ClassVar[int]
    completion_id: str
    user_id: str
    course: str
    valid_until: _timestamp_pb2.Timestamp
    def __init__(self, completion_id: _Optional[str] = ..., user_id: _Optional[str] = ..., course: _Optional[str] = ..., valid_until: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class CompletionExpired(_message.Message):
    __slots__ = ("completion_id", "user_id", "course", "expired_at")
    COMPLETION_ID_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    COURSE_FIELD_NUMBER: _ClassVar[int]
    EXPIRED_AT_FIELD_NUMBER: _ClassVar[int]
    completion_id: str
    user_id: str
    course: str
    expired_at: _timestamp_pb2.Timestamp
    def __init__(self, completion_id: _Optional[str] = ..., user_id: _Optional[str] = ..., course: _Optional[str] = ..., expired_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class MemberAdded(_message.Message):
    __slots__ = ("project_id", "partner_id", "user_id", "role")
    PROJECT_ID_FIELD_NUMBER: _ClassVar[int]
    PARTNER_ID_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    project_id: str
    partner_id: str
    user_id: str
    role: str
    def __init__(self, project_id: _Optional[str] = ..., partner_id: _Optional[str] = ..., user_id: _Optional[str] = ..., role: _Optional[str] = ...) -> None: ...

class MemberRemoved(_message.Message):
    __slots__ = ("project_id", "partner_id", "user_id")
    PROJECT_ID_FIELD_NUMBER: _ClassVar[int]
    PARTNER_ID_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    project_id: str
    partner_id: str
    user_id: str
    def __init__(self, project_id: _Optional[str] = ..., partner_id: _Optional[str] = ..., user_id: _Optional[str] = ...) -> None: ...

class PartnerSuspended(_message.Message):
    __slots__ = ("partner_id", "suspended_by")
    PARTNER_ID_FIELD_NUMBER: _ClassVar[int]
    SUSPENDED_BY_FIELD_NUMBER: _ClassVar[int]
    partner_id: str
    suspended_by: str
    def __init__(self, partner_id: _Optional[str] = ..., suspended_by: _Optional[str] = ...) -> None: ...

class ProjectOpened(_message.Message):
    __slots__ = ("project_id", "partner_ids", "purpose", "collaborative")
    PROJECT_ID_FIELD_NUMBER: _ClassVar[int]
    PARTNER_IDS_FIELD_NUMBER: _ClassVar[int]
    PURPOSE_FIELD_NUMBER: _ClassVar[int]
    COLLABORATIVE_FIELD_NUMBER: _ClassVar[int]
    project_id: str
    partner_ids: _containers.RepeatedScalarFieldContainer[str]
    purpose: str
    collaborative: bool
    def __init__(self, project_id: _Optional[str] = ..., partner_ids: _Optional[_Iterable[str]] = ..., purpose: _Optional[str] = ..., collaborative: _Optional[bool] = ...) -> None: ...

class ProjectClosed(_message.Message):
    __slots__ = ("project_id", "closed_by")
    PROJECT_ID_FIELD_NUMBER: _ClassVar[int]
    CLOSED_BY_FIELD_NUMBER: _ClassVar[int]
    project_id: str
    closed_by: str
    def __init__(self, project_id: _Optional[str] = ..., closed_by: _Optional[str] = ...) -> None: ...
