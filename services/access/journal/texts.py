"""What the journal says when it refuses."""

from services.kit.texts import Texts

TEXTS: Texts = {
    "unknown-event-type": {
        "sv": "Det finns ingen händelsetyp {name}; se docs/events.md.",
        "en": "There is no event type {name}; see docs/events.md.",
    },
}
