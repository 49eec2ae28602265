"""What admission says when it refuses."""

from services.kit.texts import Texts

TEXTS: Texts = {
    "action-never-permitted": {
        "sv": "Datamängdens villkor tillåter aldrig den åtgärden.",
        "en": "The dataset's terms never permit this action.",
    },
    "purpose-never-permitted": {
        "sv": "Datamängdens villkor tillåter aldrig det ändamålet.",
        "en": "The dataset's terms never permit this purpose.",
    },
    "purpose-not-of-project": {
        "sv": "Projektets ändamål är {purpose}; begäran måste ligga inom det. Ändra projektet först.",
        "en": "The project's purpose is {purpose}; a request must lie within it. Change the project first.",
    },
    "until-passed": {"sv": "Slutet har redan passerat.", "en": "The end has already passed."},
    "until-beyond-terms": {
        "sv": "Slutet ligger efter villkorens egen sluttid.",
        "en": "The end lies beyond the end of the terms themselves.",
    },
    "until-beyond-request": {
        "sv": "En handläggare kan förkorta tiden som söktes, inte förlänga den.",
        "en": "A steward may shorten the time that was asked for, not extend it.",
    },
    "request-pending": {
        "sv": "Projektet har redan en begäran om datamängden som väntar på beslut.",
        "en": "The project already has a request for this dataset that waits for a decision.",
    },
    "request-decided": {
        "sv": "Begäran är redan avgjord ({state}).",
        "en": "The request is already decided ({state}).",
    },
    "project-closed": {"sv": "Projektet är stängt.", "en": "The project is closed."},
    "own-project": {
        "sv": "En handläggare avgör ingen begäran från ett eget projekt.",
        "en": "A steward decides no request of a project they belong to.",
    },
    "agreement-changed": {
        "sv": "Kontrollsumman är inte avtalets; läs avtalet igen.",
        "en": "The digest is not that of the agreement; read the agreement again.",
    },
    "grant-ended": {
        "sv": "Rätten har upphört; det finns inget att godkänna.",
        "en": "The grant has ended; there is nothing to accept.",
    },
}
