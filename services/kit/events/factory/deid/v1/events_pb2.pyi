from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable
from typing import ClassVar as _ClassVar, Optional as _Optional

DESCRIPTOR: _descriptor.FileDescriptor

class RunStarted(_message.Message):
    __slots__ = ("run_id", "recipe_id", "version_id", "dataset_id", "mode", "started_by")
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    RECIPE_ID_FIELD_NUMBER: _ClassVar[int]
    VERSION_ID_FIELD_NUMBER: _ClassVar[int]
    DATASET_ID_FIELD_NUMBER: _ClassVar[int]
    MODE_FIELD_NUMBER: _ClassVar[int]
    STARTED_BY_FIELD_NUMBER: _ClassVar[int]
    run_id: str
    recipe_id: str
    version_id: str
    dataset_id: str
    mode: str
    started_by: str
    def __init__(self, run_id: _Optional[str] = ..., recipe_id: _Optional[str] = ..., version_id: _Optional[str] = ..., dataset_id: _Optional[str] = ..., mode: _Optional[str] = ..., started_by: _Optional[str] = ...) -> None: ...

class RunFinished(_message.Message):
    __slots__ = ("run_id", "version_id", "result_version_id", "files_treated", "files_withheld")
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    VERSION_ID_FIELD_NUMBER: _ClassVar[int]
    RESULT_VERSION_ID_FIELD_NUMBER: _ClassVar[int]
    FILES_TREATED_FIELD_NUMBER: _ClassVar[int]
    FILES_WITHHELD_FIELD_NUMBER: _ClassVar[int]
    run_id: str
    version_id: str
    result_version_id: str
    files_treated: int
    files_withheld: int
    def __init__(self, run_id: _Optional[str] = ..., version_id: _Optional[str] = ..., result_version_id: _Optional[str] = ..., files_treated: _Optional[int] = ..., files_withheld: _Optional[int] = ...) -> None: ...

class RunFailed(_message.Message):
    __slots__ = ("run_id", "version_id", "reason")
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    VERSION_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    run_id: str
    version_id: str
    reason: str
    def __init__(self, run_id: _Optional[str] = ..., version_id: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class ReportPublished(_message.Message):
    __slots__ = ("run_id", "version_id")
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    VERSION_ID_FIELD_NUMBER: _ClassVar[int]
    run_id: str
    version_id: str
    def __init__(self, run_id: _Optional[str] = ..., version_id: _Optional[str] = ...) -> None: ...

class GatePassed(_message.Message):
    __slots__ = ("run_id", "version_id", "decided_by")
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    VERSION_ID_FIELD_NUMBER: _ClassVar[int]
    DECIDED_BY_FIELD_NUMBER: _ClassVar[int]
    run_id: str
    version_id: str
    decided_by: str
    def __init__(self, run_id: _Optional[str] = ..., version_id: _Optional[str] = ..., decided_by: _Optional[str] = ...) -> None: ...

class GateRefused(_message.Message):
    __slots__ = ("run_id", "version_id", "decided_by", "reasons")
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    VERSION_ID_FIELD_NUMBER: _ClassVar[int]
    DECIDED_BY_FIELD_NUMBER: _ClassVar[int]
    REASONS_FIELD_NUMBER: _ClassVar[int]
    run_id: str
    version_id: str
    decided_by: str
    reasons: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, run_id: _Optional[str] = ..., version_id: _Optional[str] = ..., decided_by: _Optional[str] = ..., reasons: _Optional[_Iterable[str]] = ...) -> None: ...
