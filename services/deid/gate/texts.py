"""What review and gate say to people: refusals of requests, and what would let a version through."""

from collections.abc import Mapping
from typing import Any

from services.kit.texts import Language, Texts

TEXTS: Texts = {
    "run-not-finished": {
        "sv": "Körningen har ingen rapport (den är {state}).",
        "en": "The run has no report (it is {state}).",
    },
    "second-steward-required": {
        "sv": "En annan handläggare än den som startade körningen avgör vid grinden.",
        "en": "A steward other than the one who started the run decides at the gate.",
    },
    "gate-passed": {
        "sv": "Grinden är passerad; den avgörs inte igen, och inget bedöms mer.",
        "en": "The gate has passed; it is not decided again, and nothing more is judged.",
    },
    "gate-being-decided": {
        "sv": "Grinden avgörs just nu. Blev svaret aldrig klart: avgör den igen om en halv minut.",
        "en": "The gate is being decided right now. If its answer never came: decide it again in half a minute.",
    },
    "gate-changed": {
        "sv": "Bedömningarna ändrades medan grinden avgjordes; läs om och försök igen.",
        "en": "The judgements changed while the gate was decided; read again and retry.",
    },
    "judgement-does-not-fit": {
        "sv": "Ett ställe av sorten {sort} bedöms som {allowed}.",
        "en": "A place of the sort {sort} is judged as {allowed}.",
    },
}

REFUSALS: Texts = {
    "untreated-found-treat": {
        "sv": "{measured} funna ställen står kvar obehandlade. Versionen går igenom när inget funnet står kvar: "
        "ändra receptet och kör det igen.",
        "en": "{measured} places that were found still stand untreated. The version passes when nothing that was "
        "found is left: change the recipe and run it again.",
    },
    "untreated-found-inspect": {
        "sv": "{measured} ställen med möjliga personuppgifter hittades, och inget är behandlat vid en inspektion. "
        "Versionen går igenom när inget hittas: kör receptet i läget treat och avgör den nya versionen.",
        "en": "{measured} places that may hold personal data were found, and an inspection treats nothing. The "
        "version passes when nothing is found: run the recipe in mode treat, and decide on the version that it "
        "writes.",
    },
    "k-below": {
        "sv": "Den sämsta tabellen har k = {measured}; villkoren kräver minst {needed}. Versionen går igenom när "
        "varje tabell har det: höj k i table.k-anonymity, ta med fler kvasiidentifierare eller ta bort kolumner, "
        "och kör igen.",
        "en": "The worst table has k = {measured}; the terms ask for at least {needed}. The version passes when "
        "every table has that: raise k in table.k-anonymity, name more quasi-identifiers or drop columns, and run "
        "again.",
    },
    "k-unknown": {
        "sv": "För {measured} av {tables} tabeller är k inte mätt. Versionen går igenom när k är mätt för varje "
        "tabell: ta med table.k-anonymity i receptet, med de kolumner som någon kan kännas igen på, och kör igen.",
        "en": "Of {measured} of {tables} tables k was not measured. The version passes when k is measured for every "
        "table: have table.k-anonymity in the recipe, with the columns by which somebody could be recognised, and "
        "run again.",
    },
    "withheld-too-many": {
        "sv": "{measured} % av filerna är undanhållna; villkoren tål högst {needed} %. Versionen går igenom när "
        "fler filer kan behandlas: rapporten säger varför var och en är undanhållen.",
        "en": "{measured} % of the files are withheld; the terms allow {needed} % at most. The version passes when "
        "more files can be treated: the report says why each of them is withheld.",
    },
    "reviewed-too-few": {
        "sv": "{measured} ställen är bedömda; villkoren kräver {needed}. Bedöm {more} till.",
        "en": "{measured} places are judged; the terms ask for {needed}. Judge {more} more.",
    },
    "reviewed-out-of-order": {
        "sv": "{measured} ställen räknas; villkoren kräver {needed}. Ställen räknas i kön fram till det första som "
        "ingen bedömt: börja med nummer {next}.",
        "en": "{measured} places count; the terms ask for {needed}. Places count in the order of the queue up to "
        "the first that nobody has judged: begin with number {next}.",
    },
    "reviewed-too-few-drawn": {
        "sv": "Villkoren kräver {needed} bedömda ställen, men bara {drawn} kunde dras ur versionen. Den går igenom "
        "när den körs om i fler och mindre filer, eller när villkoren kräver färre.",
        "en": "The terms ask for {needed} judged places, but only {drawn} could be drawn from the version. It "
        "passes when it is run as more and smaller files, or when the terms ask for fewer.",
    },
    "recall-unmeasured": {
        "sv": "Återfinningen är inte mätt än; villkoren kräver att intervallets nedre gräns är minst {needed} %. "
        "Visar de {more} nästa ställena i kön inga fel räcker det.",
        "en": "Recall is not measured yet; the terms ask that the low end of its interval is at least {needed} %. "
        "If the next {more} places of the queue show no fault, that is enough.",
    },
    "recall-unmeasurable": {
        "sv": "Återfinningen är inte mätt än; villkoren kräver att intervallets nedre gräns är minst {needed} %, "
        "och det kan kön inte visa. Den går att visa när receptet hittar mer, eller när fler ställen kan dras: kör "
        "igen.",
        "en": "Recall is not measured yet; the terms ask that the low end of its interval is at least {needed} %, "
        "and the queue cannot show that. It can when the recipe finds more, or when more places can be drawn: run "
        "again.",
    },
    "recall-judge-more": {
        "sv": "Återfinningen är minst {measured} % (95 % säkert); villkoren kräver {needed} %. Visar de {more} "
        "nästa ställena i kön inga fel räcker det.",
        "en": "Recall is at least {measured} % (with 95 % confidence); the terms ask for {needed} %. If the next "
        "{more} places of the queue show no fault, that is enough.",
    },
    "recall-treat-more": {
        "sv": "Återfinningen är minst {measured} % (95 % säkert); villkoren kräver {needed} %, och de ställen som "
        "är kvar att bedöma räcker inte för att visa det. Versionen går igenom när receptet hittar mer av det som "
        "missades ({missed} av de bedömda ställena): lägg till operatorer och kör igen.",
        "en": "Recall is at least {measured} % (with 95 % confidence); the terms ask for {needed} %, and the places "
        "left to judge are not enough to show that. The version passes when the recipe finds more of what was "
        "missed ({missed} of the judged places): add operators and run again.",
    },
    "recall-of-family": {
        "sv": "I {family} är återfinningen högst {measured} % (95 % säkert); villkoren kräver {needed} %. {missed} "
        "av {judged} bedömda ställen utan fynd visade något som missats. Versionen går igenom när receptet hittar "
        "mer i {family}: lägg till operatorer och kör igen.",
        "en": "In {family} recall is at most {measured} % (with 95 % confidence); the terms ask for {needed} %. "
        "{missed} of {judged} judged places without a finding showed something missed. The version passes when the "
        "recipe finds more in {family}: add operators and run again.",
    },
}
"""By the text's name of a `rules.Refusal`: why the gate refuses, and what would pass."""


FAMILIES: Texts = {
    "text": {"sv": "texter", "en": "texts"},
    "table": {"sv": "tabeller", "en": "tables"},
    "image": {"sv": "bilder", "en": "pictures"},
    "other": {"sv": "övriga filer", "en": "other files"},
}


def refusal_text(refusal: Mapping[str, Any], language: Language) -> str:
    """Return what a refusal (`Refusal.document()`) says."""
    entry = REFUSALS.get(str(refusal["text"]))
    if entry is None:
        return str(refusal["code"])
    numbers = {"measured": refusal["measured"], "needed": refusal["needed"], **refusal["params"]}
    told = {name: _number(value, language) for name, value in numbers.items()}
    family = FAMILIES[refusal["family"]][language] if refusal["family"] else ""
    return entry[language].format(**told, family=family)


def _number(value: Any, language: Language) -> str:
    """Write a number as people do: no decimals where there are none, a comma in Swedish."""
    if value is None:
        return "–"
    text = f"{value:g}" if isinstance(value, float) else str(value)
    return text.replace(".", ",") if language == "sv" else text
