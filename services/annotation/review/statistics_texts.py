"""Why a figure of agreement has no value, in Swedish and English."""

from services.kit.texts import Texts

TEXTS: Texts = {
    "one-annotator": {
        "sv": "Bara en person har svarat.",
        "en": "Only one person has answered.",
    },
    "no-overlap": {
        "sv": "Inget har bedömts av två personer.",
        "en": "Nothing was judged by two people.",
    },
    "one-category": {
        "sv": "Alla svar är desamma, så det finns inget att skilja från slumpen.",
        "en": "Every answer is the same, so there is nothing to tell from chance.",
    },
    "no-marks": {
        "sv": "Det finns inga markeringar att jämföra.",
        "en": "There are no marks to compare.",
    },
    "not-for-kind": {
        "sv": "Klasser har inget överlapp.",
        "en": "Classes have no overlap.",
    },
    "too-dense": {
        "sv": "Markeringarna ligger för tätt för att jämföras.",
        "en": "The marks lie too densely to be compared.",
    },
}
