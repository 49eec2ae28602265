"""Facts that services publish: generated protobuf classes by service, and `registry`, which names them.

`from services.kit.events import access, catalog` gives `access.GrantRevoked(...)`; only rooms' `events.py` use them.
"""

from services.kit.events.factory.access.v1 import events_pb2 as access
from services.kit.events.factory.annotation.v1 import events_pb2 as annotation
from services.kit.events.factory.catalog.v1 import events_pb2 as catalog
from services.kit.events.factory.deid.v1 import events_pb2 as deid

__all__ = ["access", "annotation", "catalog", "deid"]
