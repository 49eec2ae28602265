"""What the catalogue says to people when it refuses, in Swedish and English."""

from typing import cast

from services.catalog.datasets import paths
from services.catalog.derivations.texts import TEXTS as DERIVATIONS
from services.catalog.intake import unpack_refusals
from services.catalog.offers.texts import TEXTS as OFFERS
from services.kit.texts import Texts

INTAKE: Texts = {
    "terms-unknown": {
        "sv": "Partnern har inga sådana villkor.",
        "en": "The partner has no such terms.",
    },
    "legal-basis-required": {
        "sv": "Personuppgifter (även kanske) kräver en rättslig grund per ändamål (GDPR artikel 6.1).",
        "en": "Personal data (also perhaps) need a legal basis per purpose (GDPR Article 6(1)).",
    },
    "purpose-twice": {"sv": "Ett ändamål har en rättslig grund.", "en": "A purpose has one legal basis."},
    "provision-required": {
        "sv": "En sekretessmarkering anger kapitel och paragraf i OSL.",
        "en": "A secrecy marking names chapter and section of OSL.",
    },
    "provision-without-marking": {
        "sv": "En bestämmelse i OSL anges bara för det som är sekretessmarkerat.",
        "en": "A provision of OSL is given only for what is marked as secret.",
    },
    "date-past": {"sv": "Datumet har passerat.", "en": "The date has passed."},
    "not-null": {"sv": "Uppgiften kan inte tas bort.", "en": "This cannot be removed."},
    "secrecy-not-open": {
        "sv": "Sekretessmarkerade data kan inte ha integritetsklassen öppen.",
        "en": "Data marked as secret cannot be of integrity class open.",
    },
    "personal-data-not-open": {
        "sv": "Data som har eller kan ha personuppgifter kan inte ha integritetsklassen öppen.",
        "en": "Data that hold or may hold personal data cannot be of integrity class open.",
    },
    "donation-not-draft": {
        "sv": "Ärendet är inte längre ett utkast.",
        "en": "The donation is no longer a draft.",
    },
    "donation-not-submitted": {
        "sv": "Ärendet väntar inte på granskning (det är {state}).",
        "en": "The donation does not wait for review (it is {state}).",
    },
    "donation-not-accepted": {
        "sv": "Ärendet är inte godkänt (det är {state}).",
        "en": "The donation is not accepted (it is {state}).",
    },
    "donation-changed": {
        "sv": "Ärendet ändrades medan det godkändes; läs om och försök igen.",
        "en": "The donation changed while it was accepted; read it again and retry.",
    },
    "donation-empty": {"sv": "Ärendet har inga filer.", "en": "The donation has no files."},
    "own-donation": {
        "sv": "Den som lämnat in ärendet godkänner det inte.",
        "en": "Whoever handed the donation in does not accept it.",
    },
    "checklist-unknown": {"sv": "Punkten finns inte på listan.", "en": "There is no such item on the list."},
    "checklist-incomplete": {
        "sv": "Dessa punkter är inte avklarade: {missing}.",
        "en": "These items are not settled: {missing}.",
    },
    "uploads-unfinished": {
        "sv": "Uppladdningar återstår: {open} öppna, {received} under kontroll, {refused} avvisade.",
        "en": "Uploads are left: {open} open, {received} being checked, {refused} refused.",
    },
    "paths-collide": {
        "sv": "Två filer kan inte finnas i samma datamängd: ett namn är både fil och mapp.",
        "en": "Two files cannot be in one dataset: a name is both a file and a folder.",
    },
    "path-taken": {
        "sv": "Det finns redan en fil med det namnet (stora och små bokstäver skiljs inte).",
        "en": "There is a file of that name already (upper and lower case are not told apart).",
    },
    "file-too-large": {"sv": "Filen är större än {limit} byte.", "en": "The file is larger than {limit} bytes."},
    "size-wrong": {"sv": "Filen har inte den angivna storleken.", "en": "The file does not have the stated size."},
    "digest-wrong": {
        "sv": "Filen har inte den angivna kontrollsumman (SHA-256).",
        "en": "The file does not have the stated digest (SHA-256).",
    },
    "upload-lost": {
        "sv": "Filens byte har gått förlorade här; lämna filen på nytt.",
        "en": "The bytes of the file were lost here; hand the file in anew.",
    },
    "ingest-failed": {
        "sv": "Filen gick inte att ta emot; försök igen.",
        "en": "The file could not be taken in; try again.",
    },
    "upload-refused": {
        "sv": "Uppladdningen är avvisad ({reason}). Ta tillbaka den och lämna filen på nytt.",
        "en": "The upload was refused ({reason}). Cancel it and hand the file in anew.",
    },
    "upload-busy": {
        "sv": "Någon annan skriver till uppladdningen just nu; vänta ett ögonblick.",
        "en": "Somebody else writes to this upload right now; wait a moment.",
    },
    "upload-offset-wrong": {
        "sv": "Uppladdningen är inte där; fråga med HEAD efter Upload-Offset och fortsätt därifrån.",
        "en": "The upload is not there; ask with HEAD for Upload-Offset and go on from it.",
    },
    "upload-too-long": {
        "sv": "Det är fler byte än filen har.",
        "en": "There are more bytes than the file has.",
    },
    "tus-version": {"sv": "Skicka Tus-Resumable: {version}.", "en": "Send Tus-Resumable: {version}."},
    "tus-body-type": {"sv": "Skicka Content-Type: {type}.", "en": "Send Content-Type: {type}."},
    "tus-offset-missing": {"sv": "Skicka Upload-Offset.", "en": "Send Upload-Offset."},
    "tus-length-missing": {"sv": "Skicka Content-Length.", "en": "Send Content-Length."},
}

DATASETS: Texts = {
    "gate-required": {
        "sv": "Versionen släpps först när dess grind är passerad (personuppgifter, eller villkoren kräver det).",
        "en": "The version is released only when its gate has passed (personal data, or the terms require it).",
    },
    "second-steward-required": {
        "sv": "En annan handläggare än den som godkände släpper versionen.",
        "en": "A steward other than the one who accepted it releases the version.",
    },
    "version-not-committed": {
        "sv": "Versionen kan inte släppas (den är {state}).",
        "en": "The version cannot be released (it is {state}).",
    },
    "dataset-withdrawn": {
        "sv": "Datamängden är återkallad; filerna finns inte längre.",
        "en": "The dataset is withdrawn; its files no longer exist.",
    },
    "key-destroyed": {
        "sv": "Nyckeln är förstörd; innehållet kan inte längre öppnas.",
        "en": "The key is destroyed; the contents can no longer be opened.",
    },
}

DELIVERY: Texts = {
    "permit-required": {
        "sv": "Filer kräver ett tillstånd: fråga efter ett beslut och skicka dess permit_token i Factory-Permit.",
        "en": "Files take a permit: ask for a decision and send its permit_token in Factory-Permit.",
    },
    "permit-invalid": {"sv": "Tillståndet är inte giltigt.", "en": "The permit is not valid."},
    "permit-expired": {
        "sv": "Tillståndet har gått ut; fråga efter ett nytt beslut.",
        "en": "The permit has expired; ask for a new decision.",
    },
    "permit-mismatch": {
        "sv": "Tillståndet gäller någon annan, en annan version eller andra filer.",
        "en": "The permit is for somebody else, another version or other files.",
    },
    "permit-not-live": {
        "sv": "Tillståndet gäller inte längre; fråga efter ett nytt beslut.",
        "en": "The permit no longer holds; ask for a new decision.",
    },
    "version-not-released": {
        "sv": "Versionen är inte släppt; den kan bara förberedas.",
        "en": "The version is not released; it can only be prepared.",
    },
    "range-not-satisfiable": {
        "sv": "Området ligger utanför filens {size} byte.",
        "en": "The range lies outside the file's {size} bytes.",
    },
}

# The two tables of paths and archives are written without the type that limits languages to these two.
_FILES = cast(Texts, {**paths.TEXTS, **unpack_refusals.TEXTS})

TEXTS: Texts = {**_FILES, **INTAKE, **DATASETS, **DELIVERY, **DERIVATIONS, **OFFERS}
