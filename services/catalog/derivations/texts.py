"""What derivations and the gate say when they refuse."""

from services.kit.texts import Texts

TEXTS: Texts = {
    "service-not-allowed": {
        "sv": "Tjänsten {service} får inte göra detta.",
        "en": "The service {service} may not do this.",
    },
    "derivation-differs": {
        "sv": "Det finns redan en sådan härledning, av något annat.",
        "en": "There is such a derivation already, of something else.",
    },
    "derivation-not-open": {
        "sv": "Härledningen tar inte emot fler filer (den är {state}).",
        "en": "The derivation takes no more files (it is {state}).",
    },
    "derivation-inspects": {
        "sv": "Härledningen läser bara; den ger ingen version.",
        "en": "The derivation only reads; no version comes of it.",
    },
    "derivation-empty": {
        "sv": "Ingen fil är kvar att göra en version av.",
        "en": "No file is left to make a version of.",
    },
    "derivation-committed": {
        "sv": "Versionen finns redan; den kan inte överges.",
        "en": "The version exists already; it cannot be abandoned.",
    },
    "derivation-committing": {
        "sv": "Versionen skrivs just nu av en annan begäran; försök igen.",
        "en": "Another request is writing the version right now; try again.",
    },
    "source-unknown": {
        "sv": "Den version som läses har ingen sådan fil.",
        "en": "The version that is read has no such file.",
    },
    "frames-invalid": {
        "sv": "Innehållet är inte en följd av hela ramar.",
        "en": "The body is not a sequence of whole frames.",
    },
    "files-too-large": {
        "sv": "Filerna är tillsammans större än {limit} byte; hämta färre, eller stora filer i delar.",
        "en": "The files are larger than {limit} bytes together; take fewer, or large files in ranges.",
    },
    "details-too-large": {
        "sv": "Uppgifterna är större än {limit} byte.",
        "en": "The details are larger than {limit} bytes.",
    },
    "gate-needs-preparation": {
        "sv": "Versionen är rå; bara en version som gjorts av den med ett recept kan passera grinden.",
        "en": "The version is raw; only a version made from it by a recipe can pass the gate.",
    },
    "gate-not-required": {
        "sv": "Versionen har ingen grind; en andra handläggare släpper den.",
        "en": "The version has no gate; a second steward releases it.",
    },
    "gate-run-wrong": {
        "sv": "Körningen gäller inte den här versionen.",
        "en": "The run is not about this version.",
    },
}
