"""The text operators: what each finds, where the rule comes from, and what it misses."""

from collections.abc import Callable, Iterator
from importlib import import_module

from pydantic import Field, field_validator

from services.deid.engine.operator import REGISTRY, Operator, Params, Step
from services.deid.engine.text.actions import Action
from services.deid.engine.text.kinds import LABELS
from services.deid.engine.text.names import lexicon
from services.deid.engine.text.scan import Scan
from services.deid.engine.text.spans import Candidate

Find = Callable[[Scan], Iterator[Candidate]]


class TextParams(Params):
    """Parameters of every text operator."""

    action: Action = Field(
        default="label",
        description=(
            "What is put in place of what was found. remove: nothing; mask: as many blocks; label: its kind; "
            "generalise: "
            "something coarser; pseudonymise: the same code for the same thing; surrogate: a made-up one of that form."
        ),
    )


class CustomParams(TextParams):
    """Parameters of a recipe's own pattern."""

    pattern: str = Field(
        min_length=1,
        max_length=1000,
        description="A regular expression (Python's syntax, regex package); look-alikes and hidden marks are folded.",
    )
    kind: str = Field(
        pattern=r"^[a-z](-?[a-z]){1,29}$", description="What it finds, as reports and labels call it: case-number."
    )
    ignore_case: bool = Field(default=False, description="Whether capitals and small letters are the same.")

    @field_validator("pattern")
    @classmethod
    def _compiles(cls, pattern: str) -> str:
        from services.deid.engine.text.finders.custom import compiled

        try:
            compiled(pattern, ignore_case=False)
        except Exception as error:
            # The package raises errors of its own, and for odd input others (RecursionError, OverflowError).
            raise ValueError("is no valid regular expression") from error
        return pattern

    @field_validator("kind")
    @classmethod
    def _is_no_other_kind(cls, kind: str) -> str:
        if kind in LABELS or kind == "person":
            raise ValueError("is the kind of another operator")
        return kind


_FINDERS: dict[str, tuple[str, str]] = {}
"""By operator: module and function that finds; imported when a recipe asks for it."""


def finder_of(step: Step) -> Find:
    """Return what finds for a step of a recipe."""
    if isinstance(step.params, CustomParams):
        from services.deid.engine.text.finders.custom import finder

        return finder(step.params.pattern, step.params.kind, step.params.ignore_case)
    module, function = _FINDERS[step.operator.name]
    return getattr(import_module(f"services.deid.engine.text.{module}"), function)


def _register(
    name: str,
    finder: tuple[str, str],
    *,
    summary: str,
    finds: tuple[str, ...],
    source: str,
    misses: str,
    params: type[Params] = TextParams,
) -> Operator:
    _FINDERS[name] = finder
    return REGISTRY.add(Operator(name, "1", "text", summary, finds, source, misses, params))


PERSONAL_NUMBER = _register(
    "text.personal-number",
    ("finders.personal_numbers", "find"),
    summary="Swedish personal and coordination numbers, in every written form and with any check digit.",
    finds=("personal-number", "coordination-number"),
    source="Folkbokföringslagen (1991:481), 18 and 18 a §§; Skatteverket SKV 704 and SKV 707.",
    misses=(
        "Numbers whose month or day cannot be (typing errors in the date); numbers in words; a number of which "
        "other text "
        "stands between the parts. Dates with separators before four figures count only with a hyphen or a right check "
        "digit. Ten figures in a row that are no such number but could be (orders, cases) are treated too."
    ),
)
PHONE = _register(
    "text.phone",
    ("finders.phones", "find"),
    summary="Telephone numbers: Swedish ones in national form, others with their country code.",
    finds=("phone",),
    source="The national numbering plan (PTS); ITU-T E.164 and E.123; metadata of libphonenumber (Apache-2.0).",
    misses="Numbers without area code and without a word such as tel before them; short and emergency numbers.",
)
EMAIL = _register(
    "text.email",
    ("finders.contacts", "find_emails"),
    summary="E-mail addresses, also written anna (at) example.se.",
    finds=("email",),
    source="RFC 5322, 3.4.1 (addr-spec) as people write it; RFC 5321, 4.5.3 (lengths); RFC 6531 (other alphabets).",
    misses="The part before a line end inside the local part; handles without a domain; addresses described in words.",
)
IBAN = _register(
    "text.iban",
    ("finders.accounts", "find_ibans"),
    summary="International bank account numbers, also with wrong check digits.",
    finds=("iban",),
    source="ISO 13616-1 and its registry (SWIFT, release 99); ISO 7064 for the check digits.",
    misses="Numbers of another length than their country's; national account numbers (clearing and account).",
)
GIRO = _register(
    "text.giro",
    ("finders.accounts", "find_giros"),
    summary="Bankgiro and plusgiro numbers.",
    finds=("bankgiro", "plusgiro"),
    source="Bankgirot, Bankgironummer (3-4 or 4-4 figures, modulus 10); Nordea, Plusgiro (2-8 figures, modulus 10).",
    misses="Numbers without a word such as bankgiro before them that lack the usual form or have a wrong check digit.",
)
IP = _register(
    "text.ip",
    ("finders.contacts", "find_ips"),
    summary="IP addresses of both versions.",
    finds=("ip-address",),
    source="RFC 791; RFC 4291 and RFC 5952.",
    misses="Networks such as 192.0.2.0/24; decimal, octal or hexadecimal notation; host names.",
)
PLATE = _register(
    "text.plate",
    ("finders.plates", "find"),
    summary="Swedish number plates, ABC123 and ABC12D.",
    finds=("number-plate",),
    source="Transportstyrelsen, registration marks (TSFS 2019:90; since 2019 a letter may stand last).",
    misses=(
        "Plates with a text of one's own, of trade or diplomats, from other countries; small letters, and letters that "
        "plates do not have (I, Q, V), without a word such as reg.nr before them."
    ),
)
ADDRESS = _register(
    "text.address",
    ("finders.addresses", "find"),
    summary="Postal addresses: street with number, postal code and town, together or apart.",
    finds=("address",),
    source="SS 613401 (postal addresses); PostNord's postal codes (NNN NN, the first figure not 0).",
    misses=(
        "Streets with unusual endings and without a postal code; houses with a name and no number; towns "
        "alone; addresses "
        "in other countries."
    ),
)
BIRTH_DATE = _register(
    "text.birth-date",
    ("finders.dates", "find"),
    summary="Dates of birth: dates that a word such as född, f. or born stands before.",
    finds=("birth-date",),
    source="ISO 8601 and the ways in which Swedish and English write dates; GDPR, recital 26.",
    misses="Dates without such a word within 60 characters; years alone; ages; dates in words (nionde juli).",
)
NAME = _register(
    "text.name",
    ("names.find", "find"),
    summary="Names of people, by lists and by what stands around them.",
    finds=("name",),
    source=(
        "Training split of klintan/swedish-ner-corpus (CC BY 4.0; Språkbanken's Webbnyheter 2012); name lists of faker "
        "(MIT; Skatteverket, Isof)."
    ),
    misses=(
        "Names in small letters; rare names that stand alone without a title or verb beside them; names that "
        "are ordinary "
        "words, without a first name beside them."
    ),
)
CUSTOM = _register(
    "text.custom",
    ("finders.custom", "finder"),
    summary="What a regular expression of the recipe's own matches, in bounded time.",
    finds=("any kind that the recipe names",),
    source="The recipe's author; the regex package (Apache-2.0, CNRI), whose search stops after a time.",
    misses=(
        "What the pattern does not match. A file on which the pattern takes too long is withheld "
        "(pattern-timeout). Its "
        "surrogates are pseudonyms, since no made-up value is known to escape the pattern."
    ),
    params=CustomParams,
)

MODELS = {"text.name": (("names-lexicon", lexicon.digest()),)}
"""Word lists that operators look with, by their digest."""
