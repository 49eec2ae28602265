"""What admission says when it refuses. `lead-required` and `project-closed` are told by the room of projects."""

from services.access.texts import TEXTS as SHARED
from services.kit.texts import KIT_TEXTS, Language, Texts

TEXTS: Texts = {
    "action-never-permitted": {
        "sv": "Datamängdens villkor tillåter aldrig den åtgärden.",
        "en": "The dataset's terms never permit this action.",
    },
    "purpose-never-permitted": {
        "sv": "Datamängdens villkor tillåter aldrig det ändamålet.",
        "en": "The dataset's terms never permit this purpose.",
    },
    "recipient-never-permitted": {
        "sv": "Datamängdens villkor lämnar inte ut den till någon av projektets partner.",
        "en": "The dataset's terms make it available to none of the project's partners.",
    },
    "purpose-not-of-project": {
        "sv": "Projektets ändamål är {purpose}; begäran måste ligga inom det. Ändra projektet först.",
        "en": "The project's purpose is {purpose}; a request must lie within it. Change the project first.",
    },
    "until-passed": {"sv": "Slutet har redan passerat.", "en": "The end has already passed."},
    "until-too-late": {
        "sv": "Ingen rätt ges längre än till år 2200.",
        "en": "No grant is given beyond the year 2200.",
    },
    "until-beyond-terms": {
        "sv": "Slutet ligger efter villkorens egen sluttid.",
        "en": "The end lies beyond the end of the terms themselves.",
    },
    "until-beyond-request": {
        "sv": "En handläggare kan förkorta tiden som söktes, inte förlänga den.",
        "en": "A steward may shorten the time that was asked for, not extend it.",
    },
    "until-of-rejection": {
        "sv": "Ett avslag har inget slut; utelämna until.",
        "en": "A rejection has no end; leave until out.",
    },
    "request-pending": {
        "sv": "Projektet har redan en begäran om datamängden som väntar på beslut.",
        "en": "The project already has a request for this dataset that waits for a decision.",
    },
    "request-decided": {"sv": "Begäran är redan avgjord.", "en": "The request is already decided."},
    "own-project": {
        "sv": "En handläggare avgör ingen egen begäran, och ingen från ett eget projekt.",
        "en": "A steward decides no request of their own, nor of a project they belong to.",
    },
    "steward-required": {
        "sv": "Det gör en handläggare för givaren.",
        "en": "That is for a steward of the donor.",
    },
    "member-required": {
        "sv": "Det gör en medlem i projektet.",
        "en": "That is for a member of the project.",
    },
    "revoker-required": {
        "sv": "Det gör givaren, dess handläggare eller projektets ledare.",
        "en": "That is for the donor, its stewards or the project's lead.",
    },
    "agreement-signed": {"sv": "Avtalet är redan godkänt.", "en": "The agreement is already accepted."},
    "agreement-changed": {
        "sv": "Kontrollsumman är inte avtalets; läs avtalet igen.",
        "en": "The digest is not that of the agreement; read the agreement again.",
    },
    "grant-ended": {"sv": "Rätten har upphört.", "en": "The grant has ended."},
}


def reason(code: str | None, language: Language) -> str | None:
    """Return the text of a reason why an action is not allowed; None when it is."""
    return None if code is None else (TEXTS.get(code) or SHARED.get(code) or KIT_TEXTS[code])[language]
