"""What the kit says to people, in Swedish and English, and how a language is chosen."""

from typing import Literal

Language = Literal["sv", "en"]
Texts = dict[str, dict[Language, str]]

TITLES: dict[int, dict[Language, str]] = {
    400: {"sv": "Felaktig begäran", "en": "Bad request"},
    401: {"sv": "Inte inloggad", "en": "Not signed in"},
    403: {"sv": "Inte tillåtet", "en": "Not allowed"},
    404: {"sv": "Finns inte", "en": "Not found"},
    405: {"sv": "Metoden går inte", "en": "Method not allowed"},
    409: {"sv": "Går inte just nu", "en": "Conflict"},
    410: {"sv": "Borttaget", "en": "Gone"},
    412: {"sv": "Ändrat av någon annan", "en": "Changed by someone else"},
    413: {"sv": "För stort", "en": "Too large"},
    415: {"sv": "Okänd mediatyp", "en": "Unsupported media type"},
    416: {"sv": "Området finns inte", "en": "Range not satisfiable"},
    422: {"sv": "Uppgifterna stämmer inte", "en": "Invalid request"},
    428: {"sv": "Villkor saknas", "en": "Precondition required"},
    429: {"sv": "För många anrop", "en": "Too many requests"},
    500: {"sv": "Internt fel", "en": "Internal error"},
    502: {"sv": "Felaktigt svar inifrån", "en": "Bad gateway"},
    503: {"sv": "Inte tillgängligt", "en": "Unavailable"},
    504: {"sv": "Inget svar i tid", "en": "No answer in time"},
}

KIT_TEXTS: Texts = {
    "not-found": {
        "sv": "Det finns inget sådant ({noun}) som du kan se.",
        "en": "There is no such {noun} that you can see.",
    },
    "no-such-route": {"sv": "Adressen finns inte.", "en": "There is nothing at this address."},
    "method-not-allowed": {
        "sv": "Adressen tar inte emot den metoden.",
        "en": "This address does not take that method.",
    },
    "http-error": {"sv": "{detail}", "en": "{detail}"},
    "invalid-request": {
        "sv": "Något i begäran stämmer inte; se errors.",
        "en": "Something in the request is wrong; see errors.",
    },
    "unknown-parameter": {
        "sv": "Parametern {name} finns inte. Tillåtna: {allowed}.",
        "en": "There is no parameter {name}. Allowed: {allowed}.",
    },
    "not-signed-in": {
        "sv": "Logga in, eller skicka en giltig token.",
        "en": "Sign in, or send a valid bearer token.",
    },
    "token-invalid": {"sv": "Token är inte giltig.", "en": "The token is not valid."},
    "token-expired": {
        "sv": "Token har gått ut; hämta en ny.",
        "en": "The token has expired; get a new one.",
    },
    "role-required": {
        "sv": "Det kräver rollen {role}.",
        "en": "This takes the role {role}.",
    },
    "service-only": {"sv": "Bara för fabrikens tjänster.", "en": "Only for the factory's services."},
    "unavailable": {
        "sv": "{what} svarar inte just nu; försök igen.",
        "en": "{what} does not answer right now; try again.",
    },
    "internal-error": {
        "sv": "Ett oväntat fel. Inget halvfärdigt har sparats. Ange instance om du hör av dig.",
        "en": "An unexpected error. Nothing half-done was kept. Quote instance if you report it.",
    },
    "idempotency-key-reused": {
        "sv": "Nyckeln har redan använts med ett annat innehåll.",
        "en": "This Idempotency-Key was already used with another body.",
    },
    "idempotency-key-invalid": {
        "sv": "Idempotency-Key ska vara 1–200 synliga ASCII-tecken.",
        "en": "Idempotency-Key must be 1–200 visible ASCII characters.",
    },
    "if-match-required": {
        "sv": "Skicka If-Match med resursens ETag.",
        "en": "Send If-Match with the ETag of the resource.",
    },
    "if-match-stale": {
        "sv": "Resursen har ändrats sedan du läste den; läs om och försök igen.",
        "en": "The resource has changed since you read it; read it again and retry.",
    },
    "cursor-invalid": {
        "sv": "after är inte en markör härifrån.",
        "en": "after is not a cursor from here.",
    },
    "body-too-large": {
        "sv": "Begäran är större än {limit} byte.",
        "en": "The request is larger than {limit} bytes.",
    },
}


def languages_of(accept_language: str | None) -> Language:
    """Return the better of Swedish and English for an Accept-Language header (RFC 9110 §12.5.4); English if unsaid."""
    best: tuple[float, Language] = (0.0, "en")
    for part in (accept_language or "").split(",")[:20]:
        tag, _, parameters = part.strip().partition(";")
        primary = tag.strip().lower().split("-")[0]
        try:
            quality = float(parameters.strip().removeprefix("q=")) if parameters.strip() else 1.0
        except ValueError:
            continue
        if primary in {"nb", "nn", "da"}:
            primary = "sv"
        if primary in {"sv", "en"} and quality > best[0]:
            best = (quality, "sv" if primary == "sv" else "en")
    return best[1]
