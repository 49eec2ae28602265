"""Made-up Swedish documents (notes, letters, minutes) with planted identifiers, the same ones for the same seed.

Every identifier is made up: dates and serial numbers are drawn at random, telephone numbers come from the series that
PTS keeps for fiction, domains from those of RFC 2606. Where each stands is told, so that recall can be counted.
"""

import random
from dataclasses import dataclass

SENTENCES = (
    "Mötet öppnades av ordföranden som hälsade alla välkomna till det nya året.",
    "Vi gick igenom förra mötets anteckningar och lade dem till handlingarna.",
    "Ärendet har beretts av förvaltningen under hösten och remitterats till de berörda enheterna.",
    "Hon uppger att smärtan har minskat sedan förra besöket, men att sömnen fortfarande är dålig.",
    "Planerad uppföljning sker hos sjuksköterska, som också tar nya prover före nästa besök.",
    "Skolan har satt in extra stöd i matematik och läsning, och läget följs upp varje månad.",
    "Fakturan avser arbete med taket på den norra längan samt byte av hängrännor och stuprör.",
    "Lägenheten besiktigades utan anmärkning, bortsett från en mindre skada på parketten i hallen.",
    "Han har tidigare varit frisk och tar inga läkemedel, men är allergisk mot pollen och björk.",
    "Försenade leveranser har gjort att bygget stått stilla, och kostnaden beräknas öka något.",
    "Föreningen tackar för gåvan och påminner om vårstädningen, då det bjuds på korv och kaffe.",
    "Bussen var full redan vid andra hållplatsen, så flera elever fick gå hela vägen till skolan.",
    "Enligt avtalet gäller tre månaders uppsägningstid, räknat från det att brevet kom fram.",
    "Vi har tagit del av yttrandet och delar bedömningen att frågan behöver utredas vidare.",
    "Patienten informerades om behandlingen, möjliga biverkningar och när hon ska höra av sig igen.",
    "Det blåste hårt hela natten, och på morgonen låg två träd över infarten till garaget.",
    "Beslutet kan överklagas till förvaltningsrätten inom den tid som anges i bilagan.",
    "Gruppen enades om att pröva det nya schemat fram till sommaren och sedan utvärdera det.",
    "Tack för ett trevligt samtal, det var roligt att höra hur arbetet med boken fortskrider.",
    "Styrelsen beslöt att höja avgiften något och att låta måla om trapphusen under våren.",
    "Anmälan gäller en cykel som stals utanför biblioteket någon gång under eftermiddagen.",
    "Vid hembesöket var köket nyligen renoverat och barnen lekte lugnt i rummet intill.",
    "Resan bokades om på grund av strejken, och mellanskillnaden betalas tillbaka inom kort.",
    "Proverna visade inga tecken på infektion, och remissen till kirurgen återkallades därför.",
    "Den som har frågor om schemat kan vända sig till expeditionen, som har öppet alla vardagar.",
    "Kommunen har fått in synpunkter på belysningen längs gångvägen mellan stationen och torget.",
    "Utredningen visade att larmet fungerade men att dörren hade lämnats olåst av misstag.",
    "Efter lunch fortsatte diskussionen om budgeten, och flera ville skjuta upp inköpet av möbler.",
    "Hyresgästen har betalat hyran i tid varje månad och har inga anmärkningar sedan tidigare.",
    "Till nästa gång tar alla med sig ett eget förslag på hur lokalen kan användas bättre.",
    "Under 2019 och 2020 växte verksamheten med 12 procent, men därefter har den legat stilla.",
    "Vi räknar med ungefär 45 deltagare, och kostnaden blir 350 kronor per person med kaffe.",
    "Maskinen gick i 3 timmar innan felet uppstod, trots att filtret hade bytts 14 dagar tidigare.",
    "Kapitel 7 handlar om odling i kallt klimat och räknas som bokens viktigaste del.",
    "Priset steg från 1 200 till 1 450 kronor, vilket ungefär motsvarar inflationen sedan dess.",
)
"""What stands between the identifiers; as in life, some of it holds numbers that identify nobody."""

_FIRST = "anna erik maria lars karin johan eva nils elsa oskar sara fatima omar lina hugo".split()
_LAST = "andersson nilsson berg lind holm ek sjogren wallin nyberg haddad lundgren falk".split()
_STREETS = (
    *"Storgatan Kyrkogatan Björkvägen Skolgatan Ringvägen Parkgatan Älvvägen Lillgränd".split(),
    "Norra Vallgatan",
)
_TOWNS = "Uppsala Malmö Umeå Visby Kalmar Örebro Borås Luleå Gävle Lund".split()
_MONTHS = "januari februari mars april maj juni juli augusti september oktober november december".split()


@dataclass(frozen=True)
class Document:
    """A text, and what is planted in it as (kind, start, end)."""

    text: str
    planted: tuple[tuple[str, int, int], ...]


def documents(seed: int, count: int) -> list[Document]:
    """Return documents of about a page (3,000 characters) with four to eight identifiers each."""
    draw = random.Random(seed)  # noqa: S311 - made-up text, no secret
    return [_document(draw) for _ in range(count)]


def _document(draw: random.Random) -> Document:
    parts = [("", sentence, "") for sentence in draw.sample(SENTENCES, 30)]
    for _ in range(draw.randint(4, 8)):
        kind, before, value, after = _identifier(draw)
        parts.insert(draw.randrange(len(parts) + 1), (kind, before + "\0" + value + "\0" + after, ""))
    text = ""
    planted: list[tuple[str, int, int]] = []
    for index, (kind, sentence, _) in enumerate(parts):
        text += "" if not index else "\n" if index % 5 == 0 else " "
        if kind:
            before, value, after = sentence.split("\0")
            start = len(text) + len(before)
            planted.append((kind, start, start + len(value)))
            sentence = before + value + after
        text += sentence
    return Document(text + "\n", tuple(planted))


def luhn_digit(digits: str) -> str:
    """Return the check digit of some digits (modulus 10)."""
    total = 0
    for index, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 - index % 2)
        total += value - 9 if value > 9 else value
    return str(-total % 10)


def _identifier(draw: random.Random) -> tuple[str, str, str, str]:
    """Return kind, what stands before it, the identifier, and what ends the sentence."""
    make = draw.choice(
        (
            _personal,
            _personal,
            _coordination,
            _phone,
            _phone,
            _email,
            _email,
            _iban,
            _giro,
            _ip,
            _plate,
            _address,
            _birth,
        )
    )
    return make(draw)


def _ten(draw: random.Random, sixty: int = 0) -> tuple[str, str]:
    """Return century and ten digits; one in five with a wrong check digit, as people mistype."""
    year = draw.randint(1930, 2015)
    nine = f"{year % 100:02}{draw.randint(1, 12):02}{draw.randint(1, 28) + sixty:02}{draw.randrange(1000):03}"
    check = luhn_digit(nine)
    if draw.random() < 0.2:
        check = str((int(check) + draw.randint(1, 9)) % 10)
    return str(year // 100), nine + check


def _written(draw: random.Random, century: str, ten: str) -> str:
    date = (century if draw.random() < 0.5 else "") + ten[:6]
    return date + draw.choice(("-", "-", "-", "", " ", "\u2013", "\u2212", " - ")) + ten[6:]


def _personal(draw: random.Random) -> tuple[str, str, str, str]:
    before = draw.choice(("Personnummer: ", "Ärendet rör ", "Sökande med personnummer ", "Pnr "))
    return "personal-number", before, _written(draw, *_ten(draw)), "."


def _coordination(draw: random.Random) -> tuple[str, str, str, str]:
    return "coordination-number", "Samordningsnummer ", _written(draw, *_ten(draw, 60)), "."


def _phone(draw: random.Random) -> tuple[str, str, str, str]:
    last = f"{draw.randint(5, 99):02}"
    forms = (
        f"070-174 06 {last}", f"070-17406{last}", f"0701740 6{last}".replace(" ", ""), f"+46 70 174 06 {last}",
        f"+467017406{last}", f"0046 70-174 06 {last}", f"08-465 004 {last}", f"08-46 50 04 {last}",
        f"031-390 06 {last}",
        f"040-628 04 {last}", f"0980-3192{last}", f"(08) 465 004 {last}", f"+46 (0)70-174 06 {last}",
    )  # fmt: skip
    before = draw.choice(("Hon nås på ", "Ring ", "Telefon ", "Återkom gärna till ", "Mobil: "))
    return "phone", before, draw.choice(forms), "."


def _email(draw: random.Random) -> tuple[str, str, str, str]:
    local = draw.choice(("{0}.{1}", "{0}{1}", "{0}_{1}", "{0}.{1}{2}", "{0}+{1}")).format(
        draw.choice(_FIRST), draw.choice(_LAST), draw.randint(1, 99)
    )
    host = draw.choice(("example.se", "example.com", "mail.example.org", "post.example.net"))
    return "email", draw.choice(("Mejla ", "Skriv till ", "E-post: ")), f"{local}@{host}", " så återkommer vi."


def _iban(draw: random.Random) -> tuple[str, str, str, str]:
    account = f"{draw.randrange(10**20):020}"
    check = 98 - int(account + "2814" + "00") % 97  # S is 28, E is 14
    plain = f"SE{check:02}{account}"
    blocks = " ".join(plain[i : i + 4] for i in range(0, 24, 4))
    return "iban", draw.choice(("Betala till IBAN ", "Kontot är ")), draw.choice((plain, blocks)), "."


def _giro(draw: random.Random) -> tuple[str, str, str, str]:
    if draw.random() < 0.6:
        digits = f"{draw.randint(100, 999)}{draw.randrange(1000):03}"
        digits += luhn_digit(digits)
        return "bankgiro", draw.choice(("Bankgiro ", "Bg: ", "bankgironummer ")), f"{digits[:3]}-{digits[3:]}", "."
    digits = f"{draw.randint(1, 9)}{draw.randrange(10**4):04}"
    return "plusgiro", "Plusgiro ", f"{digits[0]} {digits[1:3]} {digits[3:]}-{luhn_digit(digits)}", "."


def _ip(draw: random.Random) -> tuple[str, str, str, str]:
    if draw.random() < 0.7:
        return "ip-address", "Inloggning från ", f"192.0.2.{draw.randint(1, 254)}", "."
    return "ip-address", "Inloggning från ", f"2001:db8:{draw.randrange(1, 65536):x}::{draw.randrange(1, 65536):x}", "."


def _plate(draw: random.Random) -> tuple[str, str, str, str]:
    letters = "".join(draw.choice("ABCDEFGHJKLMNOPRSTUWXYZ") for _ in range(3))
    last = draw.choice("ABCDEFGHJKLMNPRSTUWXYZ") if draw.random() < 0.4 else str(draw.randrange(10))
    before = draw.choice(("Bilen har registreringsnummer ", "Parkeringsbot för ", "Fordonet "))
    return "number-plate", before, f"{letters}{draw.choice(('', ' '))}{draw.randrange(100):02}{last}", " bärgades."


def _address(draw: random.Random) -> tuple[str, str, str, str]:
    street = f"{draw.choice(_STREETS)} {draw.randint(1, 99)}{draw.choice(('', '', ' A', 'B'))}"
    code = f"{draw.randint(100, 984)}{draw.choice((' ', ' ', ''))}{draw.randrange(100):02}"
    return "address", draw.choice(("Hon bor på ", "Adress: ")), f"{street}, {code} {draw.choice(_TOWNS)}", "."


def _birth(draw: random.Random) -> tuple[str, str, str, str]:
    year, month, day = draw.randint(1930, 2015), draw.randint(1, 12), draw.randint(1, 28)
    forms = (
        f"{year}-{month:02}-{day:02}",
        f"den {day} {_MONTHS[month - 1]} {year}",
        f"{day}/{month} {year}",
        f"{year}{month:02}{day:02}",
    )
    written = draw.choice(forms)
    lead = "den " if written.startswith("den ") else ""
    return (
        "birth-date",
        draw.choice(("Hon är född ", "Barnet föddes ", "Född: ")) + lead,
        written.removeprefix("den "),
        ".",
    )
