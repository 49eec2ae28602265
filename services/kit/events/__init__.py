"""Facts that services publish: generated protobuf classes by service, and `registry`, which names them.

`from services.kit.events import access, catalog` gives `access.GrantRevoked(...)`; only rooms' `events.py` use them.
"""

from services.kit.events.factory.access.v1 import events_pb2 as access
from services.kit.events.factory.catalog.v1 import events_pb2 as catalog

__all__ = ["access", "catalog"]
