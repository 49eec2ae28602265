"""The table operators there are, for the registry. Cheap to import: polars and NumPy come when a table does."""

from services.deid.engine.operator import REGISTRY, Operator, Params
from services.deid.engine.table.anonymity import Anonymity
from services.deid.engine.table.columns import Code, Drop, FreeText, Generalise
from services.deid.engine.table.pseudonymise import Pseudonymise


def _register(
    name: str, params: type[Params], summary: str, finds: tuple[str, ...], source: str, misses: str
) -> Operator:
    return REGISTRY.add(Operator(name, "1", "table", summary, finds, source, misses, params))


DROP = _register(
    "table.drop",
    Drop,
    "Takes columns away.",
    ("identifier",),
    "GDPR (EU) 2016/679, article 5.1 c: data minimisation.",
    "Columns that the recipe does not name; the same facts in another column.",
)
GENERALISE = _register(
    "table.generalise",
    Generalise,
    "Writes dates, numbers, postal codes and categories more coarsely.",
    ("quasi-identifier",),
    "Article 29 Working Party, Opinion 05/2014 on anonymisation techniques (WP216), 3.2; Samarati 2001, "
    "Protecting respondents' identities in microdata release.",
    "How rare the coarse value is: only table.k-anonymity counts people. A value that cannot be read becomes *.",
)
PSEUDONYMISE = _register(
    "table.pseudonymise",
    Pseudonymise,
    "Puts keyed pseudonyms in place of values: one person has one pseudonym in all tables and texts of a dataset.",
    ("identifier",),
    "GDPR article 4.5; ENISA, Pseudonymisation techniques and best practices (2019); HMAC-SHA256 (FIPS 198-1).",
    "Pseudonyms are still personal data: who holds the key, or knows when somebody appears, may find them. Spellings "
    "of a name that differ by more than case and spacing are different people.",
)
CODE = _register(
    "table.code",
    Code,
    "Codes numbers at top and bottom: what lies beyond a limit is written as the limit.",
    ("quasi-identifier",),
    "Hundepool et al. 2012, Statistical Disclosure Control, 3.3 (top and bottom coding).",
    "Rare values within the limits; what is no number is emptied.",
)
FREE_TEXT = _register(
    "table.free-text",
    FreeText,
    "Puts columns through the recipe's text operators, or empties the cells in which these find anything.",
    ("free-text",),
    "The recipe's text operators, each with a source of its own.",
    "What the recipe's text operators miss; an identifier whose parts stand in several columns.",
)
K_ANONYMITY = _register(
    "table.k-anonymity",
    Anonymity,
    "Generalises quasi-identifiers as little as it can until each combination is shared by k persons.",
    ("quasi-identifier", "rare-row"),
    "Samarati and Sweeney 1998; Sweeney 2002, k-anonymity; LeFevre et al. 2006, Mondrian; El Emam et al. 2009, OLA; "
    "WP216 (2014), 3.2.1; EDPB guidelines 01/2025 on pseudonymisation.",
    "Attribute disclosure: where all of a class share a sensitive value, it is known of each of them (Machanavajjhala "
    "et al. 2007, l-diversity). Columns not named as quasi-identifiers. Tables combined with other releases of the "
    "same people, and attackers who know how the classes were chosen (Wong et al. 2007, minimality attack).",
)
