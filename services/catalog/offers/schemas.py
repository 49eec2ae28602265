"""What is asked of offers."""

from services.kit.schemas import Body
from services.kit.text import LongText, Name


class DatasetChange(Body):
    """What may be changed of a dataset's description; what is left out stays."""

    title: Name | None = None
    description: LongText | None = None


class WithdrawalIn(Body):
    """Why a dataset is taken back. The reason is shown on its tombstone."""

    reason: LongText
