"""Why a file is withheld, in words: every family says what its codes mean."""

from importlib import import_module

from services.kit.texts import Language, Texts

_MODULES = (
    "services.deid.engine.treat",
    "services.deid.engine.text.formats",
    "services.deid.engine.image.files",
    "services.deid.engine.table.withhold",
)


REASONS: Texts = {
    "nothing-treated": {
        "sv": "Alla filer hölls inne, så det blev ingen version.",
        "en": "Every file was withheld, so no version came of it.",
    },
    "operators-changed": {
        "sv": "Operatorer eller modeller byttes ut under körningen; gör nästa nummer av receptet och kör det.",
        "en": "Operators or models were exchanged during the run; make the recipe's next number and run that.",
    },
    "catalogue-refused": {
        "sv": "Katalogen tog inte emot resultatet; se loggen.",
        "en": "The catalogue did not take the result; see the log.",
    },
    "internal-error": {
        "sv": "Ett fel som upprepade sig; se loggen.",
        "en": "A fault that repeated itself; see the log.",
    },
    "stopped-by-steward": {"sv": "Stoppad av en handläggare.", "en": "Stopped by a steward."},
    "key-destroyed": {
        "sv": "Versionens nyckel är förstörd; innehållet finns inte längre.",
        "en": "The version's key is destroyed; its contents no longer exist.",
    },
    "unreadable": {
        "sv": "Filen går inte att läsa ur katalogen.",
        "en": "The file cannot be read from the catalogue.",
    },
    "file-too-large": {
        "sv": "Filen är större än vad som behandlas.",
        "en": "The file is larger than what is treated.",
    },
    "took-too-long": {
        "sv": "Behandlingen tog längre tid än tillåtet.",
        "en": "Treating it took longer than is allowed.",
    },
    "worker-died": {
        "sv": "Processen som behandlade filen dog, två gånger.",
        "en": "The process that treated the file died, twice.",
    },
    "not-accepted": {
        "sv": "Katalogen tog inte emot den behandlade filen (till exempel dess namn).",
        "en": "The catalogue did not take the treated file (its name, for instance).",
    },
}
"""Those of the processes and of the catalogue, and why a run has ended without a version."""


def reasons() -> Texts:
    """Return the text of every reason for which a file is withheld or a run ends."""
    found: Texts = {}
    for module in _MODULES:
        for code, (swedish, english) in getattr(import_module(module), "REASONS", {}).items():
            found[code] = {"sv": swedish, "en": english}
    return {**found, **REASONS}


def reason_text(code: str | None, language: Language) -> str | None:
    """Return what a reason's code means; the code itself where nobody says."""
    if code is None:
        return None
    entry = reasons().get(code)
    return entry[language] if entry else code
