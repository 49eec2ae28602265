"""What recipes say when they are refused, in Swedish and English."""

from services.kit.texts import Texts

TEXTS: Texts = {
    "operator-unknown": {
        "sv": "Det finns ingen sådan operator. Närmast: {known}.",
        "en": "There is no such operator. Nearest: {known}.",
    },
    "operator-twice": {
        "sv": "Operatorn står redan på plats {first}; den används en gång per recept.",
        "en": "The operator stands at position {first} already; it is used once in a recipe.",
    },
    "param-unknown": {
        "sv": "Operatorn har ingen sådan parameter. Tillåtna: {allowed}.",
        "en": "The operator has no such parameter. Allowed: {allowed}.",
    },
    "param-missing": {"sv": "Parametern måste anges.", "en": "This parameter must be given."},
    "param-type": {"sv": "Här ska stå {expected}.", "en": "This must be {expected}."},
    "param-choice": {"sv": "Ett av: {allowed}.", "en": "One of: {allowed}."},
    "param-range": {"sv": "Värdet ska vara {expected}.", "en": "The value must be {expected}."},
    "param-length": {"sv": "Längden ska vara {expected}.", "en": "The length must be {expected}."},
    "param-invalid": {"sv": "Värdet följer inte regeln {rule}.", "en": "The value does not follow the rule {rule}."},
    "recipe-outdated": {
        "sv": "Receptets operatorer har ändrats sedan det gjordes ({operators}); gör nästa nummer av receptet.",
        "en": "Operators of the recipe have changed since it was made ({operators}); make the recipe's next number.",
    },
    "recipe-busy": {
        "sv": "Andra skriver recept med samma namn just nu; försök igen.",
        "en": "Others are writing recipes of the same name right now; try again.",
    },
    "one-of": {
        "sv": "Ange antingen text eller version_id (med paths eller sample).",
        "en": "Give either text or version_id (with paths or sample).",
    },
    "not-a-table": {
        "sv": "Filen är ingen tabell (CSV eller Parquet) som går att läsa.",
        "en": "The file is no table (CSV or Parquet) that can be read.",
    },
    "file-unknown": {"sv": "Versionen har ingen sådan fil.", "en": "The version has no such file."},
    "file-too-large-to-try": {
        "sv": "Filen är större än {limit} byte, som är mest vad som prövas.",
        "en": "The file is larger than {limit} bytes, the most that is tried.",
    },
}
