"""What each operator finds, and what it leaves: examples."""

import pytest

from tests.deid.engine.text import planted


def found(operator: str, text: str) -> list[tuple[str, str]]:
    """(kind, what was found) of a text, by one operator."""
    return [(span.kind, text[span.start : span.end]) for span in planted.plan("label", (operator,)).find(text)]


def test_what_ends_before_an_address_does_not_hide_it() -> None:
    """`a:` could begin an address of version 6; `::ffff:0:0` behind it is one."""
    assert found("text.ip", "a: ::ffff:0:0") == [("ip-address", "::ffff:0:0")]
    assert found("text.ip", "bad: fe80::1, dead: ::1") == [("ip-address", "fe80::1"), ("ip-address", "::1")]


@pytest.mark.parametrize(
    ("text", "kind", "number"),
    [
        ("Pnr 850709-1234.", "personal-number", "850709-1234"),
        ("Pnr 19850709-1234.", "personal-number", "19850709-1234"),
        ("Pnr 8507091234.", "personal-number", "8507091234"),
        ("Pnr 198507091234.", "personal-number", "198507091234"),
        ("Pnr 850709 1234.", "personal-number", "850709 1234"),
        ("Pnr 180709+1234.", "personal-number", "180709+1234"),
        ("Pnr 850709 – 1234.", "personal-number", "850709 – 1234"),
        ("Pnr 850709−1234.", "personal-number", "850709−1234"),
        ("Pnr 85\u00ad07091234.", "personal-number", "85\u00ad07091234"),
        ("Pnr 1985-07-09-1234.", "personal-number", "1985-07-09-1234"),
        ("Pnr 85.07.09-1234.", "personal-number", "85.07.09-1234"),
        ("Pnr 1985\n0709-1234.", "personal-number", "1985\n0709-1234"),
        ("Pnr 850709-\n1234.", "personal-number", "850709-\n1234"),
        ("Pnr 8 5 0 7 0 9 - 1 2 3 4.", "personal-number", "8 5 0 7 0 9 - 1 2 3 4"),
        ("Snr 850769-1234.", "coordination-number", "850769-1234"),
        ("Snr 198507911234.", "coordination-number", "198507911234"),
        ("Moms SE850709123401.", "personal-number", "SE850709123401"),
        ("id850709-1234x", "personal-number", "850709-1234"),
    ],
)
def test_personal_numbers(text: str, kind: str, number: str) -> None:
    assert found("text.personal-number", text) == [(kind, number)]


@pytest.mark.parametrize(
    "text",
    [
        "Org.nr 556036-0793.",  # the month of an organisation's number is 20 and more
        "851309-1234",
        "850732-1234",
        "850792-1234",
        "1850709-1234",
        "850709-12345",
        "Kl. 10 11 12 1315",
        "2012-10-11 1430",
        "12 345 678",
    ],
)
def test_no_personal_numbers(text: str) -> None:
    assert found("text.personal-number", text) == []


@pytest.mark.parametrize(
    "phone",
    [
        "070-174 06 05", "0701740605", "070 174 06 05", "070/1740605", "+46701740605", "+46 70 174 06 05",
        "+46 (0)70-174 06 05", "0046 70-174 06 05", "08-465 004 00", "08-46 50 04 00", "(08) 465 004 00", "0980-319200",
        "031-390 06 00", "+1 202-555-0143", "+44 20 7946 0958", "+358 40 1234567", "46701740605", "077-123 45 67",
        "020-12 34 56", "010-123 45 67",
    ],
)  # fmt: skip
def test_phones(phone: str) -> None:
    assert found("text.phone", f"Hon nås {phone} i dag.") == [("phone", phone)]


@pytest.mark.parametrize("text", ["tel 123 45 67", "Mobil: 1740605", "sms:a 70-174 06 05", "Ring 465 004 00"])
def test_phones_without_area_code_after_a_word(text: str) -> None:
    assert [kind for kind, _ in found("text.phone", text)] == ["phone"]


@pytest.mark.parametrize(
    "text",
    [
        "Omkring 700 000 personer",
        "0,12345678",
        "den 08-02-2003",
        "15.04.2012",
        "1 200 till 1 450",
        "2012",
        "850709-1234",
    ],
)
def test_no_phones(text: str) -> None:
    assert found("text.phone", text) == []


@pytest.mark.parametrize(
    "email",
    [
        "anna@example.se", "anna.svensson+x@mail.example.org", "ANNA@EXAMPLE.SE", "åsa@exämple.se",
        "a_b-c@x-y.example.com",
        '"anna b"@example.se', "anna@[192.0.2.1]", "anna@localhost", "anna (at) example (dot) se", "anna[at]example.se",
        "anna@\nexample.se",
    ],
)  # fmt: skip
def test_emails(email: str) -> None:
    assert found("text.email", f"Skriv till {email} i dag") == [("email", email)]


@pytest.mark.parametrize("text", ["Följ @anna på nätet", "a @ b", "pris @ 5 kr", "(at) home", "@"])
def test_no_emails(text: str) -> None:
    assert found("text.email", text) == []


@pytest.mark.parametrize(
    ("text", "kind", "number"),
    [
        ("IBAN SE45 5000 0000 0583 9825 7466.", "iban", "SE45 5000 0000 0583 9825 7466"),
        ("Konto SE4550000000058398257466", "iban", "SE4550000000058398257466"),
        ("SE46 5000 0000 0583 9825 7466", "iban", "SE46 5000 0000 0583 9825 7466"),  # check digits wrong
        ("GB82WEST12345698765432", "iban", "GB82WEST12345698765432"),
        ("no9386011117947", "iban", "no9386011117947"),
        ("DE89 3704 0044 0532 0130 00", "iban", "DE89 3704 0044 0532 0130 00"),
    ],
)
def test_ibans(text: str, kind: str, number: str) -> None:
    assert found("text.iban", text) == [(kind, number)]


@pytest.mark.parametrize(
    "text", ["SE12 personer som kommer hit", "SE850709123401 850709-1234 x", "XX45 5000 0000 0583 9825"]
)
def test_no_ibans(text: str) -> None:
    assert found("text.iban", text) == []


@pytest.mark.parametrize(
    ("text", "kind", "number"),
    [
        ("bg 123-4567", "bankgiro", "123-4567"),
        ("Bankgironummer: 50501055", "bankgiro", "50501055"),
        ("Betala till 5050-1055 i dag", "bankgiro", "5050-1055"),
        ("plusgiro 4-2", "plusgiro", "4-2"),
        ("PG: 12 34 56-7", "plusgiro", "12 34 56-7"),
        ("Betala till 12 34 56-6.", "plusgiro", "12 34 56-6"),
    ],
)
def test_giros(text: str, kind: str, number: str) -> None:
    assert found("text.giro", text) == [(kind, number)]


@pytest.mark.parametrize("text", ["Under 1914-1918", "5050-1056", "sidorna 123-4567", "uppg 12", "070-1234"])
def test_no_giros(text: str) -> None:
    assert found("text.giro", text) == []


@pytest.mark.parametrize(
    "ip", ["192.0.2.17", "10.1.2.3", "2001:db8::17", "fe80::1", "::ffff:192.0.2.1", "2001:db8:0:0:0:0:0:1"]
)
def test_ips(ip: str) -> None:
    assert found("text.ip", f"från {ip}.") == [("ip-address", ip)]


@pytest.mark.parametrize(
    "text", ["192.0.2.0/24", "999.1.1.1", "1.2.3.4.5", "12:30:45", "a::b()", "kl. 12:30", "2001:db8::/32"]
)
def test_no_ips(text: str) -> None:
    assert found("text.ip", text) in ([], [("ip-address", "a::b")])


@pytest.mark.parametrize("plate", ["ABC123", "ABC 123", "ABC12D", "ABC 12D", "ABC-123"])
def test_plates(plate: str) -> None:
    assert found("text.plate", f"Se {plate}, tack") == [("number-plate", plate)]


@pytest.mark.parametrize("text", ["reg.nr abc123", "bilen VIT 123"])
def test_plates_after_a_word(text: str) -> None:
    assert len(found("text.plate", text)) == 1


@pytest.mark.parametrize(
    "text", ["SVT123", "abc123", "XABC123", "ABC1234", "ABCD123", "QVI123", "reg.nr QVI 123", "om 123"]
)
def test_no_plates(text: str) -> None:
    assert found("text.plate", text) == []


@pytest.mark.parametrize(
    "address",
    [
        "Storgatan 12", "Norra Vallgatan 5 B", "Storgatan 12, 123 45 Uppsala", "Storgatan 12\n123 45 UPPSALA",
        "Byn 123, 832 93 Frösön", "123 45 Uppsala", "SE-751 05 Uppsala", "Box 123, 101 23 Stockholm",
        "Anna Lindhs plats 5", "Storgatan 12 lgh 1102", "STORGATAN 12", "S:t Eriksgatan 7A, 12345 Stockholm",
    ],
)  # fmt: skip
def test_addresses(address: str) -> None:
    assert found("text.address", f"bor på {address}.") == [("address", address)]


@pytest.mark.parametrize(
    "text", ["Storgatan är lång", "Kapitel 7 handlar", "250 00 Kronor", "vägen 12", "12345 personer"]
)
def test_no_addresses(text: str) -> None:
    assert found("text.address", text) in ([], [("address", "vägen 12")]) and "vägen" not in str(
        found("text.address", text)
    )


@pytest.mark.parametrize(
    "text",
    [
        "född «1985-07-09»", "f. «850709»", "Född: «19850709»", "född den «9 juli 1985»", "f.d. «9/7 1985»",
        "född «9/7 -85»",
        "born «July 9, 1985»", "Date of birth: «09.07.1985»", "födelsedatum «9:e juli 1985»", "föddes i Lund «9 juli»",
        "«850709»-XXXX", "«19850709»-****", "FÖDD «1985-07-09»", "fyller år «9 juli»",
    ],
)  # fmt: skip
def test_birth_dates(text: str) -> None:
    plain, date = text.replace("«", "").replace("»", ""), text[text.index("«") + 1 : text.index("»")]
    assert found("text.birth-date", plain) == [("birth-date", date)]


@pytest.mark.parametrize(
    "text", ["Mötet hölls 2012-10-11.", "född 1985", "den 9 juli 1985", "född i Lund. Flyttade 2012-10-11"]
)
def test_no_birth_dates(text: str) -> None:
    assert found("text.birth-date", text) == []
