"""What offers say when they refuse."""

from services.kit.texts import Texts

TEXTS: Texts = {
    "nothing-released": {
        "sv": "Ingen version är släppt än; en andra handläggare släpper först en.",
        "en": "No version is released yet; a second steward releases one first.",
    },
    "dataset-is-withdrawn": {
        "sv": "Datamängden är återkallad för gott.",
        "en": "The dataset is withdrawn for good.",
    },
}
