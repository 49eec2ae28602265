"""What annotation says to people when it refuses, in Swedish and English."""

from services.annotation.campaigns.shape_texts import TEXTS as SHAPES
from services.kit.problems import Problem
from services.kit.texts import KIT_TEXTS, Language, Texts

CAMPAIGNS: Texts = {
    "decision-denied": {
        "sv": "Villkoren tillåter det inte nu; codes säger varför och cures vad som hjälper.",
        "en": "The terms do not permit it now; codes say why, and cures what helps.",
    },
    "lead-required": {"sv": "Det gör projektets ledare.", "en": "That is for the project's leads."},
    "not-of-project": {"sv": "Det gör de som är med i projektet.", "en": "That is for members of the project."},
    "still-blind": {
        "sv": "Den som märker får inte se andras svar medan kampanjen är öppen.",
        "en": "Who annotates must not see what others said while the campaign is open.",
    },
    "campaign-not-open": {
        "sv": "Kampanjen är inte öppen (den är {state}).",
        "en": "The campaign is not open (it is {state}).",
    },
    "campaign-withdrawn": {
        "sv": "Datamängden är återkallad; kampanjens innehåll finns inte längre.",
        "en": "The dataset is withdrawn; the campaign's contents no longer exist.",
    },
    "media-for-kind": {
        "sv": "Ett schema av slaget {kind} gäller {media}.",
        "en": "A schema of kind {kind} is for {media}.",
    },
    "nothing-selected": {
        "sv": "Ingen fil i versionen passar urvalet ({media}, paths).",
        "en": "No file of the version fits the selection ({media}, paths).",
    },
    "too-many-items": {
        "sv": "Urvalet har fler än {limit} filer; begränsa det med paths eller limit.",
        "en": "The selection has more than {limit} files; narrow it by paths or limit.",
    },
    "null-not-allowed": {"sv": "Fältet kan inte tömmas.", "en": "This field cannot be emptied."},
    "comment-unexpected": {
        "sv": "Kampanjen tar inte emot kommentarer.",
        "en": "The campaign takes no comments.",
    },
}

TASKS: Texts = {
    "too-many-open-tasks": {
        "sv": "Du har redan {limit} uppgifter; lämna in eller lämna tillbaka någon först.",
        "en": "You hold {limit} tasks already; submit or return one first.",
    },
    "claim-ended": {
        "sv": "Uppgiften är inte längre din ({why}). Utkastet är sparat: hämta en ny uppgift, så får du den igen om "
        "den är ledig.",
        "en": "The task is no longer yours ({why}). Its draft is kept: claim again, and you get it if it is free.",
    },
    "task-submitted": {"sv": "Uppgiften är redan inlämnad.", "en": "The task is submitted already."},
    "nothing-saved": {
        "sv": "Spara något först, också om det inte finns något att märka.",
        "en": "Save first, even if there is nothing to mark.",
    },
    "item-unreadable": {
        "sv": "Filen går inte att läsa, så inga ställen i den kan märkas; lämna tillbaka uppgiften.",
        "en": "The file cannot be read, so no places in it can be marked; return the task.",
    },
}

REVIEW: Texts = {
    "nothing-to-review": {"sv": "Inget väntar på granskning.", "en": "Nothing waits for review."},
    "item-not-to-review": {
        "sv": "Det väntar inte på granskning (det är {state}).",
        "en": "The item does not wait for review (it is {state}).",
    },
    "own-work": {
        "sv": "Den som märkt något granskar det inte.",
        "en": "Who annotated an item does not review it.",
    },
}

CLOSING: Texts = {
    "reviews-open": {
        "sv": "{number} väntar på granskning. Granska dem, eller stäng med accept_incomplete: då lämnas de utanför.",
        "en": "{number} items wait for review. Review them, or close with accept_incomplete: they are left out then.",
    },
    "items-missing": {
        "sv": "{number} är inte färdiga. Vänta in dem, eller stäng med accept_incomplete: då lämnas de utanför.",
        "en": "{number} items are not done. Wait for them, or close with accept_incomplete: they are left out then.",
    },
    "campaign-changed": {
        "sv": "Något blev klart medan kampanjen stängdes; försök igen.",
        "en": "Something was finished while the campaign was closed; try again.",
    },
    "format-for-kind": {
        "sv": "Formatet {format} kan inte hålla märken av slaget {kind}. Välj: {allowed}.",
        "en": "The format {format} cannot hold marks of kind {kind}. Choose: {allowed}.",
    },
    "already-accepted": {
        "sv": "Något annat gäller redan för filen; importera med replace=true om det ska ersättas.",
        "en": "Something else holds for the file already; import with replace=true to replace it.",
    },
    "closing-failed": {
        "sv": "Stängningen gick inte att slutföra ({why}); försök igen.",
        "en": "The closing could not be finished ({why}); try again.",
    },
}

TEXTS: Texts = {**SHAPES, **CAMPAIGNS, **TASKS, **REVIEW, **CLOSING}


def reason(refusal: Problem | None, language: Language) -> str | None:
    """Return the text of why an action is not allowed; None when it is."""
    if refusal is None:
        return None
    text = (TEXTS.get(refusal.code) or KIT_TEXTS[refusal.code])[language]
    return text.format(**refusal.params)
