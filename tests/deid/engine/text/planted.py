"""Made-up identifiers in every written form, for property tests: what is planted must never come out."""

import unicodedata
from datetime import date

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, composite

from services.deid.engine.operator import REGISTRY, Keys, Step
from services.deid.engine.text import operators as _  # noqa: F401 - enters them in the registry
from services.deid.engine.text.folding import fold
from services.deid.engine.text.pipeline import TextPlan, build_text_plan

ACTIONS = ("remove", "mask", "label", "generalise", "pseudonymise", "surrogate")
KEYS = Keys("test", b"0123456789abcdef0123456789abcdef")
OPERATORS = tuple(o.name for o in REGISTRY.all() if o.family == "text" and o.name != "text.custom")

digits = st.integers(0, 9).map(str)


def steps(action: str = "label", names: tuple[str, ...] = OPERATORS) -> list[Step]:
    """A recipe of text operators, all with one action."""
    found = [operator for name in names if (operator := REGISTRY.get(name))]
    return [Step(operator, operator.params.model_validate({"action": action})) for operator in found]


def plan(action: str = "label", names: tuple[str, ...] = OPERATORS, keys: Keys = KEYS) -> TextPlan:
    made = build_text_plan(steps(action, names), keys)
    assert made is not None
    return made


PLANS = {action: plan(action) for action in ACTIONS}


def bare(text: str) -> str:
    """Letters and digits alone, folded and small: what is left of an identifier however it is written."""
    return "".join(c for c in fold(text).text.lower() if c.isalnum())


@composite
def ten_digits(draw: DrawFn, sixty: int = 0) -> tuple[str, str]:
    """Century and ten digits of a personal number; any check digit."""
    year = draw(st.integers(1900, 2025))
    month, day = draw(st.integers(1, 12)), draw(st.integers(1, 31)) + sixty
    return str(year // 100), f"{year % 100:02}{month:02}{day:02}{draw(st.integers(0, 9999)):04}"


SIGNS = ("-", "+", "", " ", "  ", "\u00a0", "\u2013", "\u2212", "\u2011", " - ", "\u202f", "\u2009-\u2009", "\uff0d")


@composite
def personal_numbers(draw: DrawFn) -> str:
    century, ten = draw(st.one_of(ten_digits(), ten_digits(sixty=60)))
    return (century if draw(st.booleans()) else "") + ten[:6] + draw(st.sampled_from(SIGNS)) + ten[6:]


@composite
def phones(draw: DrawFn) -> str:
    area = draw(st.sampled_from(("8", "18", "31", "40", "70", "72", "73", "76", "79", "90", "271", "911")))
    number = "".join(draw(st.lists(digits, min_size=7, max_size=7)))
    number = "1" + number[1:] if number[0] == "0" else number
    number = number[: 9 - len(area)] if area[0] != "7" else number
    grouped = draw(
        st.sampled_from((number, f"{number[:3]} {number[3:5]} {number[5:]}".strip(), f"{number[:2]} {number[2:]}"))
    )
    form = draw(
        st.sampled_from(
            (
                "0{a}-{n}",
                "0{a} {n}",
                "0{a}/{n}",
                "(0{a}) {n}",
                "+46{a}{n}",
                "+46 {a} {n}",
                "+46 (0){a}-{n}",
                "0046 {a}-{n}",
                "+46-{a}-{n}",
            )
        )
    )
    if " " not in form and "-" not in form and "/" not in form:
        grouped = number
    return form.format(a=area, n=grouped)


@composite
def emails(draw: DrawFn) -> str:
    word = st.text("abcdefghijklmnopqrstuvwxyzåäö0123456789", min_size=1, max_size=10)
    local = draw(st.lists(word, min_size=1, max_size=3).map(lambda words: draw(st.sampled_from(".-_+")).join(words)))
    return f"{local}@{draw(st.sampled_from(('example.se', 'mail.example.org', 'exämple.se', 'EXAMPLE.COM')))}"


@composite
def ibans(draw: DrawFn) -> str:
    account = f"{draw(st.integers(0, 10**20 - 1)):020}"
    plain = f"SE{98 - int(account + '281400') % 97:02}{account}"
    return draw(st.sampled_from((plain, " ".join(plain[i : i + 4] for i in range(0, 24, 4)), plain.lower())))


ips = st.one_of(
    st.ip_addresses(v=4).map(str).filter(lambda a: not a.endswith(".0")),  # generalising leaves that of its network
    st.ip_addresses(v=6).map(str).filter(lambda a: len(bare(a)) > 4 and not a.endswith(":")),
    st.ip_addresses(v=6).map(lambda a: a.exploded),
)


@composite
def plates(draw: DrawFn) -> str:
    letters = "".join(draw(st.lists(st.sampled_from("ABCDEFGHJKLMNOPRSTUWXYZ"), min_size=3, max_size=3)))
    last = draw(st.sampled_from("0123456789ABCDEFGHJKLMNPRSTUWXYZ"))
    return f"{letters}{draw(st.sampled_from(('', ' ')))}{draw(st.integers(0, 99)):02}{last}"


@composite
def addresses(draw: DrawFn) -> str:
    street = draw(
        st.sampled_from(
            ("Storgatan", "Björkvägen", "Norra Vallgatan", "Älvgränd", "Södra Esplanaden", "S:t Eriksgatan")
        )
    )
    number = f"{draw(st.integers(1, 199))}{draw(st.sampled_from(('', 'A', ' b', ' lgh 1102')))}"
    code = draw(st.integers(10000, 98499).map(str))
    code = code[:3] + draw(st.sampled_from(("", " "))) + code[3:]
    town = draw(st.sampled_from(("Uppsala", "MALMÖ", "Åmål", "Östra Ämtervik")))
    return f"{street} {number}{draw(st.sampled_from((', ', chr(10))))}{code} {town}"


MONTHS = "januari februari mars april maj juni juli augusti september oktober november december".split()


@composite
def birth_dates(draw: DrawFn) -> str:
    born = draw(st.dates(min_value=date(1900, 1, 1), max_value=date(2025, 12, 31)))
    return draw(
        st.sampled_from(
            (
                f"{born:%Y-%m-%d}", f"{born:%Y%m%d}", f"{born:%y%m%d}", f"{born.day}/{born.month} {born.year}",
                f"{born.day} {MONTHS[born.month - 1]} {born.year}", f"{born:%d.%m.%Y}", f"{born:%d/%m/%Y}",
            )
        )
    )  # fmt: skip


@composite
def names(draw: DrawFn) -> str:
    first = draw(st.sampled_from("Anna Karin Lars Fatima Per-Olof Åsa Björn Mohamed Élise".split()))
    last = draw(st.sampled_from("Andersson Lindqvist Ekström Haddad Öberg Nyström-Falk Sjögren".split()))
    return draw(
        st.sampled_from((f"{first} {last}", f"{first} {last}".upper(), f"{first} {last}s", f"{first} von {last}"))
    )


PLANTED = {
    "text.personal-number": (personal_numbers(), ("", "pnr ", "Personnummer: ", "(", "rör ", "\n")),
    "text.phone": (phones(), ("tel ", "", "Ring ", "(", "mobil: ", "\n")),
    "text.email": (emails(), ("", "mejla ", "<", "\n", "mailto:")),
    "text.iban": (ibans(), ("", "IBAN ", "konto: ")),
    "text.ip": (ips, ("", "från ", "[", "IP: ")),
    "text.plate": (plates(), ("", "bilen ", "reg.nr: ")),
    "text.address": (addresses(), ("", "bor på ", "Adress: ")),
    "text.birth-date": (birth_dates(), ("född ", "f. ", "Född den ", "födelsedatum: ", "born ")),
    "text.name": (names(), ("säger ", "", "av ", "och ")),
}
"""By operator: identifiers, and what may stand before them."""


@composite
def disguised(draw: DrawFn, written: str) -> str:
    """The same to a reader: other digits, hidden characters and marks between, look-alike letters."""
    shown: list[str] = []
    script = draw(st.sampled_from(("", "\uff10", "\u0660", "\u06f0", "\u0966", "\U0001d7ce", "\U0001d7ec")))
    for index, character in enumerate(written):
        if character.isascii() and character.isdigit() and script:
            character = chr(ord(script) + int(character))
        shown.append(character)
        if character.isalnum() and index + 1 < len(written) and draw(st.integers(0, 5)) == 0:
            shown.append(
                draw(st.sampled_from(("\u200b", "\u00ad", "\u2060", "\u202e", "\u200f", "\ufeff", "\u0335", "\u20e3")))
            )
    text = "".join(shown)
    return unicodedata.normalize("NFD", text) if draw(st.booleans()) else text
