"""What text operators find, and the words that stand for it in treated text, the same in every language."""

LABELS = {
    "personal-number": "PERSONAL-NUMBER",
    "coordination-number": "COORDINATION-NUMBER",
    "phone": "PHONE",
    "email": "EMAIL",
    "iban": "IBAN",
    "bankgiro": "BANKGIRO",
    "plusgiro": "PLUSGIRO",
    "ip-address": "IP-ADDRESS",
    "number-plate": "NUMBER-PLATE",
    "address": "ADDRESS",
    "birth-date": "BIRTH-DATE",
    "name": "PERSON",
}


def label_of(kind: str) -> str:
    """Return the word for a kind, which may be a custom one: `case-number` becomes `CASE-NUMBER`."""
    return LABELS.get(kind) or kind.upper()
