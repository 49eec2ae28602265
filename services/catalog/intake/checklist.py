"""What a steward checks before a donation is accepted. The keys are stored; the texts may change."""

from services.kit.texts import Language

CHECKLIST: dict[str, dict[Language, str]] = {
    "legal-basis": {
        "sv": "Varje ändamål har en rättslig grund som håller (GDPR artikel 6.1, och 9.2 för känsliga uppgifter).",
        "en": "Every purpose has a legal basis that holds (GDPR Article 6(1), and 9(2) for special categories).",
    },
    "controller": {
        "sv": "Den personuppgiftsansvarige, eller den som råder över data, är rätt angiven och får lämna ut dem.",
        "en": "The controller, or whoever has the say over the data, is named correctly and may hand them over.",
    },
    "third-party-rights": {
        "sv": "Tredje mans rättigheter (upphovsrätt, databasskydd, avtal) är utredda och hindrar inte villkoren.",
        "en": "Rights of third parties (copyright, database rights, contracts) are cleared and allow the terms.",
    },
    "personal-data": {
        "sv": "Det är bedömt om data innehåller personuppgifter, även indirekt, och svaret i ärendet stämmer.",
        "en": "It was assessed whether the data hold personal data, also indirectly, and the case says it correctly.",
    },
    "secrecy": {
        "sv": "Sekretess enligt offentlighets- och sekretesslagen (OSL) är bedömd; en markering anger bestämmelsen.",
        "en": "Secrecy under the Swedish Public Access to Information and Secrecy Act (OSL) was assessed; "
        "a marking names the provision.",
    },
    "terms-match": {
        "sv": "Villkoren tillåter inte mer än vad rättslig grund, avtal och ursprung tillåter.",
        "en": "The terms permit no more than legal basis, contracts and origin do.",
    },
    "integrity-class": {
        "sv": "Integritetsklassen passar det känsligaste i datamängden.",
        "en": "The integrity class fits the most sensitive part of the data.",
    },
    "retention": {
        "sv": "Bevarandetiden är angiven där det krävs, och kan följas.",
        "en": "How long the data may be kept is stated where it must be, and can be honoured.",
    },
    "origin": {
        "sv": "Ursprunget är beskrivet så att en forskare kan bedöma vad data duger till.",
        "en": "The origin is described well enough for a researcher to judge what the data are good for.",
    },
    "technical-check": {
        "sv": "Filerna är de beskrivna: antal, format och stickprov stämmer, och inget hör inte hit.",
        "en": "The files are those described: number, formats and samples agree, and nothing else is there.",
    },
}
