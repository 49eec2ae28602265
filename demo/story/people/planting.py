"""Made-up identifiers, drawn from a seed that is chosen at run time: nobody can have been tuned to them."""

import random
from collections.abc import Callable
from dataclasses import dataclass

STREETS = ("Ekbacksvägen", "Norra Kvarngatan", "Tallåsvägen", "Hamnplan", "Sjöstigen", "Lilla Torget", "Björkuddsvägen")
TOWNS = ("Solvik", "Nordvik", "Ekhamra", "Västerlund", "Klarbo")
FIRST = ("Tindra", "Melker", "Saga", "Folke", "Amina", "Dragan", "Hedvig", "Ivar")
LAST = ("Ekhamre", "Solviksson", "Nordvall", "Qvarnhult", "Brattsjö", "Ljungmark")


@dataclass(frozen=True)
class Planted:
    """An identifier that was planted: what kind, the sentence around it, and the parts that must be gone."""

    kind: str
    sentence: str
    secrets: tuple[str, ...]


def luhn(digits: str) -> int:
    """Return the check digit of nine digits (ISO/IEC 7812-1, annex B)."""
    total = 0
    for place, digit in enumerate(digits):
        value = int(digit) * (2 if place % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return -total % 10


def personal_number(draw: random.Random, *, coordination: bool = False) -> tuple[str, str]:
    """Return a personal identity number as century and ten digits: `19`, `8507091234`."""
    year, month, day = draw.randrange(1931, 2009), draw.randrange(1, 13), draw.randrange(1, 29)
    nine = f"{year % 100:02d}{month:02d}{day + (60 if coordination else 0):02d}{draw.randrange(1000):03d}"
    return f"{year // 100}", nine + str(luhn(nine))


def _number(draw: random.Random) -> Planted:
    coordination = draw.random() < 0.25
    century, ten = personal_number(draw, coordination=coordination)
    if draw.random() < 0.15:  # a wrong check digit is personal data all the same
        ten = ten[:9] + str((int(ten[9]) + 1) % 10)
    separator = draw.choice(("-", "+", " ", "–", "−", ""))
    written = (century if draw.random() < 0.5 else "") + ten[:6] + separator + ten[6:]
    frame = draw.choice(("Personnummer: {}.", "Patienten ({}) ringde igår.", "Ärendet gäller {} enligt registret."))
    return Planted("personal-number", frame.format(written), (written,))


def _phone(draw: random.Random) -> Planted:
    tail = f"{draw.randrange(10**7):07d}"
    mobile = draw.choice(("070", "072", "073", "076", "079"))
    written = draw.choice(
        (
            f"{mobile}-{tail[:3]} {tail[3:5]} {tail[5:]}",
            f"{mobile}{tail}",
            f"+46 {mobile[1:]} {tail[:3]} {tail[3:5]} {tail[5:]}",
            f"08-{draw.randrange(400, 700)} {tail[:2]} {tail[2:4]}",
        )
    )
    return Planted("phone", draw.choice(("Ring {} efter klockan tre.", "Tel: {}")).format(written), (written,))


def _email(draw: random.Random) -> Planted:
    name = f"{draw.choice(FIRST)}.{draw.choice(LAST)}{draw.randrange(10, 99)}".lower()
    written = name.translate(str.maketrans("åäö", "aao")) + draw.choice(
        ("@nordvik.se", "@post.solvik.nu", "@klarbo.eu")
    )
    return Planted("email", f"Svara till {written} så snart som möjligt.", (written,))


def _iban(draw: random.Random) -> Planted:
    bban = f"{draw.randrange(10**20):020d}"
    check = 98 - int(f"{bban}282400") % 97  # SE00 in figures, ISO 13616
    written = f"SE{check:02d}{bban}"
    if draw.random() < 0.6:
        written = " ".join(written[i : i + 4] for i in range(0, 24, 4))
    return Planted("iban", f"Beloppet sätts in på {written}.", (written,))


def _giro(draw: random.Random) -> Planted:
    if draw.random() < 0.5:
        written = f"{draw.randrange(100, 9999)}-{draw.randrange(1000, 9999)}"
        return Planted("giro", f"Betala till bankgiro {written} före månadens slut.", (written,))
    written = f"{draw.randrange(10, 9999)} {draw.randrange(10, 99)} {draw.randrange(10, 99)}-{draw.randrange(10)}"
    return Planted("giro", f"Betala till plusgiro {written} före månadens slut.", (written,))


def _address(draw: random.Random) -> Planted:
    street = f"{draw.choice(STREETS)} {draw.randrange(1, 120)}{draw.choice(('', ' B', ''))}"
    code = f"{draw.randrange(100, 999)} {draw.randrange(10, 99)}"
    return Planted("address", f"Hen bor på {street}, {code} {draw.choice(TOWNS)}.", (street, code))


def _ip(draw: random.Random) -> Planted:
    written = ".".join(str(draw.randrange(1, 254)) for _ in range(4))
    return Planted("ip", f"Inloggningen kom från {written} under natten.", (written,))


def _plate(draw: random.Random) -> Planted:
    letters = "".join(draw.choice("ABCDEFGHJKLMNOPRSTUWXYZ") for _ in range(3))
    end = draw.choice(
        (f"{draw.randrange(1000):03d}", f"{draw.randrange(100):02d}{draw.choice('ABCDEFGHJKLMNPRSTUWXYZ')}")
    )
    written = f"{letters}{draw.choice((' ', ''))}{end}"
    return Planted("plate", f"Bilen med registreringsnummer {written} stod kvar.", (written,))


def _birth(draw: random.Random) -> Planted:
    year, month, day = draw.randrange(1931, 2009), draw.randrange(1, 13), draw.randrange(1, 29)
    months = "januari februari mars april maj juni juli augusti september oktober november december".split()
    written = draw.choice(
        (f"{year}-{month:02d}-{day:02d}", f"{day} {months[month - 1]} {year}", f"{day}/{month} {year}")
    )
    return Planted("birth-date", f"Hon är född {written} och har bott här sedan dess.", (written,))


def _name(draw: random.Random) -> Planted:
    written = f"{draw.choice(FIRST)} {draw.choice(LAST)}"
    return Planted("name", f"Handläggare är {written} på enheten.", (written,))


MAKERS: tuple[Callable[[random.Random], Planted], ...] = (
    _number, _number, _number, _phone, _phone, _email, _iban, _giro, _address, _ip, _plate, _birth, _name,
)  # fmt: skip


def plant(draw: random.Random) -> Planted:
    """Return one planted identifier in its sentence."""
    return draw.choice(MAKERS)(draw)
