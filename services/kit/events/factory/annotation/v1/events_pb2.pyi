from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Optional as _Optional

DESCRIPTOR: _descriptor.FileDescriptor

class CampaignOpened(_message.Message):
    __slots__ = ("campaign_id", "version_id", "dataset_id", "project_id", "items")
    CAMPAIGN_ID_FIELD_NUMBER: _ClassVar[int]
    VERSION_ID_FIELD_NUMBER: _ClassVar[int]
    DATASET_ID_FIELD_NUMBER: _ClassVar[int]
    PROJECT_ID_FIELD_NUMBER: _ClassVar[int]
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    campaign_id: str
    version_id: str
    dataset_id: str
    project_id: str
    items: int
    def __init__(self, campaign_id: _Optional[str] = ..., version_id: _Optional[str] = ..., dataset_id: _Optional[str] = ..., project_id: _Optional[str] = ..., items: _Optional[int] = ...) -> None: ...

class CampaignClosed(_message.Message):
    __slots__ = ("campaign_id", "version_id", "result_version_id", "items_accepted")
    CAMPAIGN_ID_FIELD_NUMBER: _ClassVar[int]
    VERSION_ID_FIELD_NUMBER: _ClassVar[int]
    RESULT_VERSION_ID_FIELD_NUMBER: _ClassVar[int]
    ITEMS_ACCEPTED_FIELD_NUMBER: _ClassVar[int]
    campaign_id: str
    version_id: str
    result_version_id: str
    items_accepted: int
    def __init__(self, campaign_id: _Optional[str] = ..., version_id: _Optional[str] = ..., result_version_id: _Optional[str] = ..., items_accepted: _Optional[int] = ...) -> None: ...

class AnnotationAccepted(_message.Message):
    __slots__ = ("campaign_id", "item_id", "how")
    CAMPAIGN_ID_FIELD_NUMBER: _ClassVar[int]
    ITEM_ID_FIELD_NUMBER: _ClassVar[int]
    HOW_FIELD_NUMBER: _ClassVar[int]
    campaign_id: str
    item_id: str
    how: str
    def __init__(self, campaign_id: _Optional[str] = ..., item_id: _Optional[str] = ..., how: _Optional[str] = ...) -> None: ...
