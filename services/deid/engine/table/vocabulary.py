"""What columns that tell of people are called, in Swedish and English."""

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal


@dataclass(frozen=True)
class Word:
    """What a column's name says."""

    role: Literal["identifier", "quasi-identifier", "sensitive", "free-text"]
    sort: str
    means: tuple[str, str]
    """Swedish, English: completes `the name says …`."""


def _word(
    role: Literal["identifier", "quasi-identifier", "sensitive", "free-text"], sort: str, sv: str, en: str
) -> Word:
    return Word(role, sort, (sv, en))


_WORDS: tuple[tuple[str, Word], ...] = (
    (
        "personnummer persnr pnr samordningsnummer personalnumber ssn socialsecuritynumber nationalid cpr "
        "personid_national",
        _word("identifier", "personal-number", "personnummer", "personal number"),
    ),
    (
        "namn förnamn fornamn efternamn mellannamn tilltalsnamn fullname name firstname lastname surname givenname "
        "familyname forename kontaktperson anhörig patientnamn kundnamn",
        _word("identifier", "name", "namn", "name"),
    ),
    (
        "epost epostadress mejl mail email emailaddress mailadress",
        _word("identifier", "email", "e-post", "e-mail"),
    ),
    (
        "telefon telefonnummer tel telnr mobil mobilnummer mobilnr phone phonenumber mobile cellphone",
        _word("identifier", "phone", "telefon", "telephone"),
    ),
    (
        "adress gatuadress bostadsadress gata street streetaddress address homeaddress fastighetsbeteckning",
        _word("identifier", "address", "adress", "address"),
    ),
    (
        "regnr registreringsnummer numberplate licenseplate licenceplate kontonummer bankkonto iban passnummer "
        "passportnumber ip ipadress ipaddress användarnamn username login userid",
        _word(
            "identifier", "account", "en uppgift som hör till en enda person", "something that belongs to one person"
        ),
    ),
    (
        "id personid person patientid patient patientnr kundid kundnr kundnummer customerid medlemsnummer memberid "
        "anställningsnummer employeeid respondent respondentid subjectid löpnr lopnr löpnummer idnr subject "
        "participant "
        "participantid studentid elevid",
        _word("identifier", "id", "person eller ärende", "a person or case"),
    ),
    (
        "födelsedatum fodelsedatum född fodd födelsedag fdatum birthdate dateofbirth dob birthday born födelseår "
        "fodelsear birthyear yearofbirth",
        _word("quasi-identifier", "birth-date", "födelsetid", "date of birth"),
    ),
    ("ålder alder age åldersgrupp agegroup", _word("quasi-identifier", "age", "ålder", "age")),
    (
        "postnummer postnr postkod zip zipcode postcode postalcode",
        _word("quasi-identifier", "postal-code", "postnummer", "postal code"),
    ),
    ("kön kon sex gender", _word("quasi-identifier", "sex", "kön", "sex")),
    (
        "yrke yrkesbeteckning befattning sysselsättning occupation profession job jobtitle employment workclass "
        "arbetsgivare employer",
        _word("quasi-identifier", "category", "yrke eller arbete", "occupation or work"),
    ),
    (
        "kommun kommunkod län lan länskod ort postort bostadsort stad region distrikt församling municipality county "
        "city town village parish district state country nativecountry land födelseland countryofbirth birthplace "
        "födelseort",
        _word("quasi-identifier", "category", "var någon bor eller kommer från", "where somebody lives or comes from"),
    ),
    (
        "utbildning utbildningsnivå education educationlevel degree skola school civilstånd civilstand maritalstatus "
        "marital relationship medborgarskap nationality citizenship hushållstyp household householdsize antalbarn "
        "children",
        _word("quasi-identifier", "category", "levnadsförhållanden", "circumstances of life"),
    ),
    (
        "diagnos diagnoskod icd icd10 diagnosis disease sjukdom symtom symptom läkemedel medication drug behandling "
        "treatment allergi allergy graviditet pregnancy hiv labb labresult blodgrupp bmi vikt weight",
        _word("sensitive", "health", "hälsa", "health"),
    ),
    (
        "religion etnicitet ethnicity race ursprung parti party politiskåsikt vote fackförbund fackmedlem union "
        "sexuellläggning orientation brott crime conviction",
        _word(
            "sensitive",
            "special",
            "en känslig uppgift (GDPR artikel 9 och 10)",
            "a special category (GDPR articles 9, 10)",
        ),
    ),
    (
        "lön lon månadslön årslön inkomst salary income wage wages skuld debt förmögenhet capitalgain capitalloss "
        "betyg grade score",
        _word("sensitive", "money", "inkomst eller omdöme", "income or judgement"),
    ),
    (
        "anteckning anteckningar kommentar kommentarer fritext beskrivning text journal journaltext notering "
        "notes note "
        "comment comments description remarks freetext message meddelande svar",
        _word("free-text", "text", "text", "text"),
    ),
)
OF_PEOPLE = frozenset({"birth-date", "age", "sex"})
"""Sorts of which a table speaks only when its rows are people."""
_BY_NAME = {name: word for names, word in _WORDS for name in names.split()}
_PARTS = re.compile(r"[^\W\d_]+")
_LONG = 5
"""Letters from which a word counts inside a longer one: `patientens_födelsedatum`, not `ort` in `sort`."""


def word_of(name: str) -> Word | None:
    """Return what a column's name says, or None: the whole name first, then its parts, then longer words in them."""
    spaced = re.sub(r"(?<=[a-zåäö])(?=[A-ZÅÄÖ])", " ", name).casefold()
    parts = _PARTS.findall(spaced)
    whole = "".join(parts)
    if whole in _BY_NAME:
        return _BY_NAME[whole]
    for first, second in pairwise(parts):
        if first + second in _BY_NAME:
            return _BY_NAME[first + second]
    for part in reversed(parts):
        if part in _BY_NAME:
            return _BY_NAME[part]
    inside = [known for known in _BY_NAME if len(known) >= _LONG and known in whole]
    return _BY_NAME[max(inside, key=lambda known: (len(known), known))] if inside else None
