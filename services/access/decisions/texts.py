"""What each code of the law says to people, and what each cure asks of them, in Swedish and English.

The law (Rego) knows codes only. A message states what is so; a cure says who can do what about it.
"""

from services.kit.texts import Texts

TEXTS: Texts = {
    "decision-unavailable": {
        "sv": "Ingen kan svara på om det är tillåtet just nu, och utan svar är det inte det; försök igen.",
        "en": "Nobody can say right now whether this is permitted, and without an answer it is not; try again.",
    },
    "path-unreadable": {
        "sv": "Sökvägen innehåller tecken som inte är giltig Unicode.",
        "en": "The path contains characters that are not valid Unicode.",
    },
}

CODE_TEXTS: Texts = {
    "action-not-permitted": {
        "sv": "Villkoren tillåter inte den här åtgärden med datamängden.",
        "en": "The terms do not permit this action with the dataset.",
    },
    "agreement-unsigned": {
        "sv": "Inget gällande tillstånd har ett undertecknat avtal.",
        "en": "No valid grant has a signed agreement.",
    },
    "audit-absent": {
        "sv": "Klustret är inte granskat, vilket datamängdens integritetsklass kräver.",
        "en": "The cluster has not been audited, which the dataset's integrity class requires.",
    },
    "audit-lapsed": {
        "sv": "Klustrets granskning har gått ut.",
        "en": "The audit of the cluster has lapsed.",
    },
    "country-not-permitted": {
        "sv": "Datamängden får inte användas i det land där användningen skulle ske.",
        "en": "The dataset may not be used in the country where the use would take place.",
    },
    "course-not-valid": {
        "sv": "Du saknar ett giltigt godkänt prov på en kurs som villkoren kräver.",
        "en": "You have no valid completion of a course that the terms require.",
    },
    "dataset-withdrawn": {
        "sv": "Datamängden är återkallad av givaren.",
        "en": "The dataset has been withdrawn by its donor.",
    },
    "grant-absent": {
        "sv": "Projektet har inget tillstånd för den här åtgärden med datamängden.",
        "en": "The project has no grant for this action with the dataset.",
    },
    "grant-expired": {
        "sv": "Projektets tillstånd för datamängden har gått ut.",
        "en": "The project's grant for the dataset has expired.",
    },
    "grant-revoked": {
        "sv": "Projektets tillstånd för datamängden har dragits tillbaka.",
        "en": "The project's grant for the dataset has been revoked.",
    },
    "integrity-class-not-met": {
        "sv": "Klustret, eller avsaknaden av ett, uppfyller inte datamängdens integritetsklass.",
        "en": "The cluster, or the lack of one, does not meet the dataset's integrity class.",
    },
    "isolation-too-weak": {
        "sv": "Klustret skiljer inte jobb åt så väl som datamängdens integritetsklass kräver.",
        "en": "The cluster does not keep jobs apart as well as the dataset's integrity class requires.",
    },
    "membership-ended": {
        "sv": "Du är inte verksam medlem i ett pågående projekt, eller så är du eller din organisation avstängd.",
        "en": "You are not an active member of a running project, or you or your partner are suspended.",
    },
    "period-not-open": {
        "sv": "Villkorens tid eller projektets etikgodkännande omfattar inte den här tidpunkten.",
        "en": "The period of the terms or the project's ethics approval does not include this moment.",
    },
    "purpose-not-permitted": {
        "sv": "Ändamålet tillåts inte av villkoren, projektets ändamål eller tillståndet.",
        "en": "The purpose is not permitted by the terms, the project's purpose or the grant.",
    },
    "recipient-not-permitted": {
        "sv": "Villkoren lämnar inte ut datamängden till din organisation.",
        "en": "The terms do not make the dataset available to your partner.",
    },
    "version-not-released": {
        "sv": "Versionen är inte frisläppt för användning.",
        "en": "The version has not been released for use.",
    },
}

CURE_TEXTS: Texts = {
    "change-purpose": {
        "sv": "Ändra projektets ändamål till ett som villkoren tillåter (det antecknas) och fråga om det ändamålet.",
        "en": "Change the project's purpose to one the terms permit (this is recorded), and ask for that purpose.",
    },
    "request-for-purpose": {
        "sv": "Tillståndet gavs för ett annat ändamål: begär ett nytt tillstånd för det här ändamålet.",
        "en": "The grant was given for another purpose: request a new grant for this one.",
    },
    "take-course": {
        "sv": "Gå kursen och klara provet.",
        "en": "Take the course and pass its test.",
    },
    "request-grant": {
        "sv": "Begär tillstånd; en handläggare för givaren beslutar.",
        "en": "Request a grant; a steward of the donor decides.",
    },
    "request-again": {
        "sv": "Begär ett nytt tillstånd; en handläggare för givaren beslutar.",
        "en": "Request a new grant; a steward of the donor decides.",
    },
    "request-after-revocation": {
        "sv": "Läs skälet till återkallelsen och begär ett nytt tillstånd; en handläggare för givaren beslutar.",
        "en": "Read the reason for the revocation and request a new grant; a steward of the donor decides.",
    },
    "sign": {
        "sv": "Läs avtalet och låt en behörig medlem underteckna det.",
        "en": "Read the agreement and have an authorised member sign it.",
    },
    "sign-later": {
        "sv": "Avtalet finns när ett tillstånd har beviljats; då undertecknar en behörig medlem det.",
        "en": "There will be an agreement once a grant is given; an authorised member then signs it.",
    },
    "ask-lead-to-add": {
        "sv": "Be projektets ledare att lägga till dig som medlem.",
        "en": "Ask the project's lead to add you as a member.",
    },
    "ask-lead-for-partner": {
        "sv": "Be projektets ledare att ta med din organisation i projektet.",
        "en": "Ask the project's lead to include your partner in the project.",
    },
    "ask-lead-for-dates": {
        "sv": "Projektet pågår inte i dag: be projektets ledare att ändra dess tid.",
        "en": "The project does not run today: ask the project's lead to change its dates.",
    },
    "project-closed": {
        "sv": "Projektet är avslutat: arbeta i ett annat projekt eller skapa ett nytt.",
        "en": "The project is closed: work in another project or create a new one.",
    },
    "ask-operator": {
        "sv": "Du eller din organisation är avstängd: bara driften kan häva det.",
        "en": "You or your partner are suspended: only the operator can lift that.",
    },
    "ask-steward-to-release": {
        "sv": "Vänta på att en annan handläggare än den som tog emot donationen frisläpper versionen.",
        "en": "Wait for a steward other than the one who accepted the donation to release the version.",
    },
    "gate-first": {
        "sv": "Versionen måste avidentifieras och passera sin grind innan den frisläpps; det gör en handläggare.",
        "en": "The version must be de-identified and pass its gate before it can be released; a steward sees to that.",
    },
    "ask-steward-to-publish": {
        "sv": "Datamängden är ett utkast: vänta på att en handläggare publicerar den.",
        "en": "The dataset is a draft: wait for a steward to publish it.",
    },
    "other-version": {
        "sv": "Versionen finns inte längre för användning: välj en annan version.",
        "en": "The version is no longer for use: choose another version.",
    },
    "other-dataset": {
        "sv": "Återkallelsen är slutgiltig: leta efter en annan datamängd.",
        "en": "The withdrawal is final: look for another dataset.",
    },
    "wait": {
        "sv": "Vänta tills villkorens tid börjar.",
        "en": "Wait until the period of the terms begins.",
    },
    "period-over": {
        "sv": "Villkorens tid är slut och inget i projektet kan ändra det; givaren kan publicera nya villkor.",
        "en": "The period of the terms is over, which nothing in the project changes; the donor can publish new terms.",
    },
    "renew-ethics": {
        "sv": "Etikgodkännandet har gått ut: för in ett nytt nummer och slutdatum i projektet.",
        "en": "The ethics approval has lapsed: enter a new number and end date in the project.",
    },
    "no-cure-action": {
        "sv": "Inget i projektet kan ändra det; givaren kan publicera nya villkor som tillåter åtgärden.",
        "en": "Nothing in the project can change that; the donor can publish new terms that permit the action.",
    },
    "no-cure-recipient": {
        "sv": "Inget i projektet kan ändra det; givaren kan publicera nya villkor som omfattar din organisation.",
        "en": "Nothing in the project can change that; the donor can publish new terms that include your partner.",
    },
    "no-cure-country": {
        "sv": "Inget i projektet kan ändra det; givaren kan publicera nya villkor som omfattar landet.",
        "en": "Nothing in the project can change that; the donor can publish new terms that include the country.",
    },
    "choose-cluster": {
        "sv": "Välj ett kluster som uppfyller integritetsklassen.",
        "en": "Choose a cluster that meets the integrity class.",
    },
    "choose-own-cluster": {
        "sv": "Välj ett kluster på fabrikens egen hårdvara.",
        "en": "Choose a cluster on the factory's own hardware.",
    },
    "leave-cluster-out": {
        "sv": "Åtgärden körs inte på ett kluster: ange inget.",
        "en": "This action does not run on a cluster: name none.",
    },
    "choose-isolation": {
        "sv": "Välj ett kluster med minst den här isoleringen.",
        "en": "Choose a cluster with at least this isolation.",
    },
    "choose-audited": {
        "sv": "Välj ett granskat kluster; driften kan låta granska det här.",
        "en": "Choose an audited cluster; the operator can have this one audited.",
    },
    "choose-audited-again": {
        "sv": "Välj ett kluster med giltig granskning; driften kan förnya det här klustrets.",
        "en": "Choose a cluster with a valid audit; the operator can renew this one's.",
    },
    "choose-country": {
        "sv": "Välj ett kluster i ett land där datamängden får användas.",
        "en": "Choose a cluster in a country where the dataset may be used.",
    },
}

OBLIGATION_TEXTS: Texts = {
    "attribution": {
        "sv": "Ange källan i allt som bygger på data: {wording}",
        "en": "Name the source in everything that builds on the data: {wording}",
    },
    "delete-after": {
        "sv": "Radera alla kopior inom {days} dagar efter att rätten har upphört.",
        "en": "Delete all copies within {days} days after the grant ends.",
    },
    "same-terms": {
        "sv": "Det som härleds ur data följer samma villkor.",
        "en": "What is derived from the data follows the same terms.",
    },
    "results-through-steward": {
        "sv": "Resultat lämnar fabriken bara genom en handläggare.",
        "en": "Results leave the factory only through a steward.",
    },
}
