"""What training says when it refuses."""

from services.kit.texts import Texts

TEXTS: Texts = {
    "attempts-used-up": {
        "sv": "{most} försök har misslyckats det senaste dygnet; nästa får börja {at}.",
        "en": "{most} attempts failed within the last day; the next may begin at {at}.",
    },
    "attempt-answered": {
        "sv": "Försöket är redan besvarat; börja ett nytt.",
        "en": "This attempt is already answered; start another.",
    },
    "attempt-lapsed": {
        "sv": "Försökets tid är ute; börja ett nytt.",
        "en": "The time of this attempt is over; start another.",
    },
    "question-not-asked": {
        "sv": "Frågan ställdes inte i det här försöket.",
        "en": "This question was not asked in this attempt.",
    },
    "option-not-offered": {
        "sv": "Svaret är inget av frågans alternativ.",
        "en": "This is not one of the question's options.",
    },
}
