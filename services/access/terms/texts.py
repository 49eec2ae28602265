"""What terms say to people whose policy cannot be kept as it is."""

from services.kit.texts import Texts

TEXTS: Texts = {
    "policy-media-type": {
        "sv": "Skicka policyn som en av: {expected}.",
        "en": "Send the policy as one of: {expected}.",
    },
    "partner-ambiguous": {
        "sv": "Du kan skriva villkor för flera partner; ange partner_id.",
        "en": "You can write terms for several partners; say partner_id.",
    },
    "policy-too-large": {
        "sv": "Policyn är större än {limit} byte.",
        "en": "The policy is larger than {limit} bytes.",
    },
    "policy-too-deep": {
        "sv": "Policyn har fler än {limit} nivåer.",
        "en": "The policy is nested deeper than {limit} levels.",
    },
    "policy-not-json": {"sv": "Det är inte JSON i UTF-8.", "en": "This is not JSON in UTF-8."},
    "text-not-unicode": {
        "sv": "En text eller ett namn är för långt eller går inte att lagra.",
        "en": "A text or a name is too long, or cannot be stored.",
    },
    "object-expected": {"sv": "Här ska det stå ett objekt.", "en": "An object is expected here."},
    "member-twice": {
        "sv": "Samma sak sägs två gånger, och läsare är oense om vilken som gäller.",
        "en": "The same thing is said twice, and readers disagree on which counts.",
    },
    "empty-value": {
        "sv": "{name} är tomt; utelämna det i stället.",
        "en": "{name} is empty; leave it out instead.",
    },
    "unknown-key": {
        "sv": "{name} är inget som kan hållas här. Lös text, till exempel en beskrivning, binder ingen.",
        "en": "{name} is nothing that can be upheld here. Free text, such as a description, binds nobody.",
    },
    "key-missing": {"sv": "{name} saknas.", "en": "{name} is missing."},
    "not-supported": {
        "sv": "{name} stöds inte och skulle annars tappas bort.",
        "en": "{name} is not supported and would otherwise be lost.",
    },
    "context-unknown": {
        "sv": "Okänt sammanhang ({name}). Inget hämtas; använd W3C:s, fabrikens eller kända prefix.",
        "en": "Unknown context ({name}). Nothing is fetched; use the W3C's, the factory's or known prefixes.",
    },
    "uid-invalid": {
        "sv": "Ett namn på en del ska vara en absolut IRI, utanför vokabulären.",
        "en": "The name of a part must be an absolute IRI outside the vocabularies.",
    },
    "uid-twice": {
        "sv": "Två delar har samma namn och skulle bli en.",
        "en": "Two parts have one name and would become one.",
    },
    "reference-expected": {
        "sv": "Här ska det stå en IRI, eller ett objekt med bara @id.",
        "en": "An IRI is expected here, or an object with nothing but @id.",
    },
    "not-an-iri": {
        "sv": "{name} är inget ord som policyns sammanhang definierar.",
        "en": "{name} is no word that the policy's context defines.",
    },
    "value-type-wrong": {"sv": "Värdet ska vara av typen {expected}.", "en": "The value must be of type {expected}."},
    "type-wrong": {"sv": "Typen ska vara {expected}.", "en": "The type must be {expected}."},
    "profile-unknown": {"sv": "Profilen ska vara {expected}.", "en": "The profile must be {expected}."},
    "conflict-strategy": {
        "sv": "Bara strategin {expected} stöds: ett förbud går före.",
        "en": "Only the strategy {expected} is supported: a prohibition goes first.",
    },
    "target-not-supported": {
        "sv": "Villkor läggs på en datamängd senare; här kan det bara stå df:dataset.",
        "en": "Terms are put on a dataset later; only df:dataset can stand here.",
    },
    "assigner-not-supported": {
        "sv": "Utelämna assigner: villkoren är partnerns som lägger in dem.",
        "en": "Leave assigner out: terms are those of the partner that publishes them.",
    },
    "assignee-not-supported": {
        "sv": "Säg vilka som får ta emot med en begränsning på recipient.",
        "en": "Say who may receive with a constraint on recipient.",
    },
    "obligation-not-supported": {
        "sv": "Säg skyldigheten som duty i varje permission.",
        "en": "Say the obligation as a duty in each permission.",
    },
    "belongs-in-permission": {
        "sv": "{name} ska stå i varje permission, inte över dem.",
        "en": "{name} belongs in each permission, not above them.",
    },
    "prohibition-constrained": {
        "sv": "Ett förbud med begränsningar går inte att återge; begränsa tillåtelsen i stället.",
        "en": "A constrained prohibition cannot be kept; constrain the permission instead.",
    },
    "action-unknown": {
        "sv": "Åtgärden {action} finns inte här. De som finns: read, annotate, df:prepare, df:train, df:deploy, "
        "df:share-derivative, use, derive, odrl:commercialize.",
        "en": "There is no action {action} here. There are: read, annotate, df:prepare, df:train, df:deploy, "
        "df:share-derivative, use, derive, odrl:commercialize.",
    },
    "action-refined": {
        "sv": "En åtgärd kan inte förfinas; begränsa tillåtelsen i stället.",
        "en": "An action cannot be refined; constrain the permission instead.",
    },
    "action-is-a-duty": {
        "sv": "{action} är en skyldighet och hör hemma under duty.",
        "en": "{action} is a duty and belongs under duty.",
    },
    "permissions-differ": {
        "sv": "Alla tillåtelser ska ha samma begränsningar och skyldigheter som {first}; dela upp på flera villkor.",
        "en": "All permissions must have the constraints and duties of {first}; split them into several terms.",
    },
    "rules-contradict": {
        "sv": "{action} är både tillåtet och förbjudet.",
        "en": "{action} is both permitted and prohibited.",
    },
    "nothing-permitted": {"sv": "Ingen av fabrikens åtgärder tillåts.", "en": "No action of the factory is permitted."},
    "purpose-missing": {
        "sv": "Säg ändamålen (purpose). För alla ändamål: df:any-purpose.",
        "en": "Say the purposes. For any purpose: df:any-purpose.",
    },
    "purpose-unknown": {
        "sv": "{value} är inget ändamål i fabrikens träd.",
        "en": "{value} is no purpose of the factory's tree.",
    },
    "purpose-is-commercial": {
        "sv": "Ändamålet {purpose} är kommersiellt; tillåt odrl:commercialize eller ta bort det.",
        "en": "The purpose {purpose} is commercial; permit odrl:commercialize, or leave it out.",
    },
    "recipient-unknown": {
        "sv": "{value} är ingen mottagare: urn:datafactory:partner:<id> eller urn:datafactory:sector:<sektor>.",
        "en": "{value} is no recipient: urn:datafactory:partner:<id> or urn:datafactory:sector:<sector>.",
    },
    "country-unknown": {
        "sv": "{value} är inget land (ISO 3166-1, två bokstäver), EEA eller worldwide.",
        "en": "{value} is no country (ISO 3166-1, two letters), EEA or worldwide.",
    },
    "course-invalid": {"sv": "{value} är inget kursnamn.", "en": "{value} is no name of a course."},
    "course-unknown": {"sv": "Kursen {course} finns inte.", "en": "There is no course {course}."},
    "gate-unknown": {"sv": "Grinden är none eller required.", "en": "The gate is none or required."},
    "threshold-without-gate": {
        "sv": "Ett tröskelvärde har ingen verkan utan grind: begränsa också df:gate eq required.",
        "en": "A threshold has no effect without a gate: constrain df:gate eq required too.",
    },
    "number-out-of-range": {
        "sv": "Skriv ett heltal från {low} till {high}.",
        "en": "Write a whole number from {low} to {high}.",
    },
    "constraint-twice": {
        "sv": "{operand} begränsas två gånger; säg det i en begränsning.",
        "en": "{operand} is constrained twice; say it in one constraint.",
    },
    "operand-not-supported": {
        "sv": "{operand} går inte att begränsa på här.",
        "en": "{operand} is nothing to constrain on here.",
    },
    "operator-not-supported": {
        "sv": "{operator} går inte att återge här. De som går: {known}.",
        "en": "{operator} cannot be kept here. What can: {known}.",
    },
    "operator-inexact": {
        "sv": "{operator} går inte att återge exakt: tiden är i hela sekunder. Skriv: {instead}.",
        "en": "{operator} cannot be kept exactly: time is in whole seconds. Write: {instead}.",
    },
    "logic-not-supported": {
        "sv": "{name} går inte att återge; flera värden sägs med isAnyOf.",
        "en": "{name} cannot be kept; say several values with isAnyOf.",
    },
    "logic-nested": {
        "sv": "Begränsningar som alla gäller skrivs i rad, inte i varandra.",
        "en": "Constraints that all hold stand in a row, not inside each other.",
    },
    "one-value-expected": {"sv": "Här ska det stå ett enda värde.", "en": "Exactly one value is expected here."},
    "value-count": {"sv": "Minst ett värde, högst {limit}.", "en": "At least one value, at most {limit}."},
    "value-redundant": {
        "sv": "{value} är redan sagt, och skulle inte ha någon verkan.",
        "en": "{value} is said already, and would have no effect.",
    },
    "period-empty": {"sv": "Tiden är slut innan den börjar.", "en": "The period ends before it begins."},
    "time-invalid": {
        "sv": "Skriv tiden som 2026-01-31T12:00:00+01:00.",
        "en": "Write the time as 2026-01-31T12:00:00+01:00.",
    },
    "time-without-zone": {
        "sv": "Tiden saknar zon: Z eller till exempel +01:00.",
        "en": "The time has no zone: Z or, say, +01:00.",
    },
    "time-below-a-second": {"sv": "Skriv tiden i hela sekunder.", "en": "Write the time in whole seconds."},
    "time-out-of-range": {
        "sv": "Tiden ligger före 1970 eller efter 9999.",
        "en": "The time lies before 1970 or after 9999.",
    },
    "duration-not-in-days": {
        "sv": "Skriv tiden i dagar eller veckor, högst {limit} dagar: P30D, P4W.",
        "en": "Write the delay in days or weeks, at most {limit} days: P30D, P4W.",
    },
    "delay-missing": {
        "sv": "Säg inom hur lång tid det ska raderas: delayPeriod lteq P30D.",
        "en": "Say within what time it must be deleted: delayPeriod lteq P30D.",
    },
    "duty-unknown": {
        "sv": "{action} kan inte vara en skyldighet här. De som kan: attribute, delete, odrl:shareAlike.",
        "en": "{action} cannot be a duty here. What can: attribute, delete, odrl:shareAlike.",
    },
    "duty-twice": {"sv": "Skyldigheten {action} sägs två gånger.", "en": "The duty {action} is said twice."},
    "duty-constrained": {"sv": "Bara radering kan ha en tid.", "en": "Only deletion can have a delay."},
    "text-unclean": {
        "sv": "Texten ska vara en rad utan styrtecken ({reason}).",
        "en": "The text must be one line without control characters ({reason}).",
    },
    "text-too-long": {"sv": "Texten är längre än {limit} tecken.", "en": "The text is longer than {limit} characters."},
    "share-alike-without-derive": {
        "sv": "Samma villkor för det härledda förutsätter att derive är tillåtet.",
        "en": "The same terms for derivatives take derive to be permitted.",
    },
    "sharing-without-derive": {
        "sv": "Att dela det härledda förutsätter att derive är tillåtet.",
        "en": "Sharing derivatives takes derive to be permitted.",
    },
}
