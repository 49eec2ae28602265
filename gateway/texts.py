"""What the gateway says to people."""

from services.kit.texts import Texts

TEXTS: Texts = {
    "session-ended": {
        "sv": "Du är inte längre inloggad. Logga in igen.",
        "en": "You are no longer signed in. Sign in again.",
    },
    "csrf-invalid": {
        "sv": "Begäran kom inte från fabrikens egna sidor (X-CSRF-Token saknas eller stämmer inte).",
        "en": "The request did not come from the factory's own pages (X-CSRF-Token is missing or wrong).",
    },
    "origin-refused": {
        "sv": "Begäran kom från en annan webbplats.",
        "en": "The request came from another web site.",
    },
    "rate-limited": {
        "sv": "För många anrop; vänta {seconds} s.",
        "en": "Too many requests; wait {seconds} s.",
    },
    "body-too-large": {
        "sv": "Begäran är större än {limit} byte.",
        "en": "The request is larger than {limit} bytes.",
    },
    "body-too-slow": {
        "sv": "Begäran kom inte fram i tid.",
        "en": "The request did not arrive in time.",
    },
    "upstream-unreachable": {
        "sv": "{what} går inte att nå just nu; försök igen.",
        "en": "{what} cannot be reached right now; try again.",
    },
    "upstream-failed": {
        "sv": "{what} bröt svaret; det är oklart om begäran utfördes. Läs om innan du försöker igen.",
        "en": "{what} broke off; whether the request was carried out is not known. Read again before you retry.",
    },
    "upstream-silent": {
        "sv": "{what} svarade inte i tid; det är oklart om begäran utfördes.",
        "en": "{what} did not answer in time; whether the request was carried out is not known.",
    },
    "return-to-refused": {
        "sv": "return_to ska vara en sökväg här, som /datasets.",
        "en": "return_to must be a path of this site, such as /datasets.",
    },
    "cli-parameters-refused": {
        "sv": "cli_port och cli_challenge (S256, 43 tecken) hör ihop.",
        "en": "cli_port and cli_challenge (S256, 43 characters) go together.",
    },
    "code-invalid": {
        "sv": "Koden är använd, för gammal eller någon annans. Logga in igen.",
        "en": "The code is used, too old or someone else's. Sign in again.",
    },
    "sign-in-expired": {
        "sv": "Inloggningen tog för lång tid eller började i en annan webbläsare. Försök igen.",
        "en": "The sign-in took too long or began in another browser. Try again.",
    },
    "sign-in-denied": {
        "sv": "Du loggade inte in hos identitetsleverantören.",
        "en": "You did not sign in at the identity provider.",
    },
    "sign-in-refused": {
        "sv": "Identitetsleverantörens svar gick inte att lita på. Försök igen.",
        "en": "The identity provider's answer could not be trusted. Try again.",
    },
    "sign-in-unknown": {
        "sv": "Fabriken tog inte emot inloggningen.",
        "en": "The factory did not accept the sign-in.",
    },
    "sign-in-failed": {"sv": "Inloggningen gick inte", "en": "The sign-in did not work"},
    "try-again": {"sv": "Försök igen", "en": "Try again"},
    "openapi-incomplete": {
        "sv": "Beskrivningen är ofullständig: {what} svarar inte.",
        "en": "The description is incomplete: {what} does not answer.",
    },
}
