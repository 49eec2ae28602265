"""What identity, credentials, projects and tokens say to people. Other rooms have texts of their own."""

from services.kit.texts import KIT_TEXTS, Language, Texts

TEXTS: Texts = {
    "country-unknown": {"sv": "Det är ingen landskod.", "en": "That is not a country code."},
    "partner-suspended": {"sv": "Partnern är avstängd.", "en": "The partner is suspended."},
    "partner-unknown": {"sv": "Det finns ingen sådan partner.", "en": "There is no such partner."},
    "partner-required": {
        "sv": "Det kräver att du hör till en partner som inte är avstängd.",
        "en": "This takes belonging to a partner that is not suspended.",
    },
    "user-unknown": {
        "sv": "Det finns ingen sådan användare att välja.",
        "en": "There is no such user to choose.",
    },
    "not-of-partner": {
        "sv": "Användaren hör inte till partnern.",
        "en": "The user does not belong to the partner.",
    },
    "home-elsewhere": {
        "sv": "Användaren hör redan till en annan partner.",
        "en": "The user already belongs to another partner.",
    },
    "not-oneself": {"sv": "Det går inte att göra med sig själv.", "en": "You cannot do this to yourself."},
    "last-operator": {
        "sv": "Den sista operatören kan inte tas bort; utse en till först.",
        "en": "The last operator cannot be removed; appoint another first.",
    },
    "role-by-project": {
        "sv": "Rollen {role} ges i projektet, av dess projektledare.",
        "en": "The role {role} is given within a project, by its lead.",
    },
    "role-scope-invalid": {
        "sv": "Rollen {role} gäller för: {kinds}.",
        "en": "The role {role} is held for: {kinds}.",
    },
    "role-scope-id-invalid": {
        "sv": "id ska anges, utom för global, som inte har något.",
        "en": "id must be given, except for global, which has none.",
    },
    "expiry-invalid": {
        "sv": "Nyckeln ska gå ut i framtiden, inom {days} dagar.",
        "en": "The key must end in the future, within {days} days.",
    },
    "too-many-credentials": {
        "sv": "Högst {limit} gällande åt gången; återkalla någon först.",
        "en": "At most {limit} at a time; revoke one first.",
    },
    "operator-secret-wrong": {"sv": "Hemligheten stämmer inte.", "en": "The secret is wrong."},
    "operator-secret-redeemed": {
        "sv": "Hemligheten är redan inlöst; fråga en operatör om rollen.",
        "en": "The secret has been redeemed; ask an operator for the role.",
    },
    "too-many-attempts": {
        "sv": "För många försök; försök igen om {seconds} sekunder.",
        "en": "Too many attempts; try again in {seconds} seconds.",
    },
    "lead-required": {"sv": "Det gör projektets ledare.", "en": "That is for the project's leads."},
    "project-closed": {"sv": "Projektet är avslutat.", "en": "The project is closed."},
    "last-lead": {
        "sv": "Ett projekt behöver en ledare; utse en annan först.",
        "en": "A project needs a lead; appoint another first.",
    },
    "not-of-project-partners": {
        "sv": "Bara användare hos projektets partner kan vara med.",
        "en": "Only users of the project's partners can be members.",
    },
    "own-partner-missing": {
        "sv": "Partnern som startade projektet hör alltid till det.",
        "en": "The partner that opened the project always belongs to it.",
    },
    "partner-has-members": {
        "sv": "Partnern har medlemmar i projektet; ta bort dem först.",
        "en": "The partner has members in the project; remove them first.",
    },
    "dates-reversed": {
        "sv": "Projektet kan inte sluta innan det börjar.",
        "en": "The project cannot end before it starts.",
    },
    "day-invalid": {
        "sv": "En dag skrivs ÅÅÅÅ-MM-DD, mellan 2000 och 2199.",
        "en": "A day is written YYYY-MM-DD, between 2000 and 2199.",
    },
    "amount-invalid": {
        "sv": 'Ett belopp skrivs som text med högst två decimaler: "1250.00".',
        "en": 'An amount is text with at most two decimals: "1250.00".',
    },
    "null-not-allowed": {"sv": "Fältet kan inte tömmas.", "en": "This field cannot be emptied."},
    "nothing-to-change": {"sv": "Begäran ändrar ingenting.", "en": "The request changes nothing."},
    "service-not-allowed": {
        "sv": "Tjänsten {service} får inte göra detta.",
        "en": "The service {service} may not do this.",
    },
    "service-secret-wrong": {"sv": "Tjänstens hemlighet stämmer inte.", "en": "The service's secret is wrong."},
}


def reason(code: str | None, language: Language, **params: object) -> str | None:
    """Return the text of a reason why an action is not allowed; None when it is."""
    if code is None:
        return None
    text = TEXTS.get(code) or KIT_TEXTS[code]
    return text[language].format(**params)
