"""A normal form in sentences that anyone can read, in Swedish and English. Pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from services.access.terms.vocabulary import END_OF_TIME, THRESHOLDS, Normal, areas
from services.kit.texts import Language

COUNTRY_NAMES: Final[dict[Language, dict[str, str]]] = {
    "sv": {
        **{"EEA": "EES", "AT": "Österrike", "BE": "Belgien", "BG": "Bulgarien", "CY": "Cypern", "CZ": "Tjeckien"},
        **{"DE": "Tyskland", "DK": "Danmark", "EE": "Estland", "ES": "Spanien", "FI": "Finland", "FR": "Frankrike"},
        **{"GR": "Grekland", "HR": "Kroatien", "HU": "Ungern", "IE": "Irland", "IS": "Island", "IT": "Italien"},
        **{"LI": "Liechtenstein", "LT": "Litauen", "LU": "Luxemburg", "LV": "Lettland", "MT": "Malta"},
        **{"NL": "Nederländerna", "NO": "Norge", "PL": "Polen", "PT": "Portugal", "RO": "Rumänien", "SE": "Sverige"},
        **{"SI": "Slovenien", "SK": "Slovakien", "CH": "Schweiz", "GB": "Storbritannien", "US": "USA", "CA": "Kanada"},
    },
    "en": {
        **{"EEA": "the EEA", "AT": "Austria", "BE": "Belgium", "BG": "Bulgaria", "CY": "Cyprus", "CZ": "Czechia"},
        **{"DE": "Germany", "DK": "Denmark", "EE": "Estonia", "ES": "Spain", "FI": "Finland", "FR": "France"},
        **{"GR": "Greece", "HR": "Croatia", "HU": "Hungary", "IE": "Ireland", "IS": "Iceland", "IT": "Italy"},
        **{"LI": "Liechtenstein", "LT": "Lithuania", "LU": "Luxembourg", "LV": "Latvia", "MT": "Malta"},
        **{"NL": "the Netherlands", "NO": "Norway", "PL": "Poland", "PT": "Portugal", "RO": "Romania", "SE": "Sweden"},
        **{"SI": "Slovenia", "SK": "Slovakia", "CH": "Switzerland", "GB": "the United Kingdom", "US": "the USA"},
        **{"CA": "Canada"},
    },
}
"""Names of the countries that terms here most often name; the others are told by their ISO code."""

_WORDS: Final[dict[Language, dict[str, str]]] = {
    "sv": {
        "read": "läsa och ladda ned data",
        "prepare": "förbereda data (till exempel avidentifiera)",
        "annotate": "annotera data",
        "train": "träna modeller",
        "deploy": "driftsätta modeller",
        "share-derivative": "dela det som härletts ur data",
        "research": "forskning",
        "research/basic": "grundforskning",
        "research/applied": "tillämpad forskning",
        "research/health": "hälsoforskning",
        "research/method-development": "metodutveckling i forskning",
        "education": "utbildning",
        "innovation": "innovation",
        "innovation/pre-commercial": "förkommersiell innovation",
        "innovation/product-development": "produktutveckling",
        "public-interest": "allmänt intresse",
        "public-interest/public-service": "offentlig tjänst",
        "public-interest/statistics": "statistik",
        "benchmarking": "jämförande utvärdering av metoder",
        "public": "offentliga organisationer",
        "academia": "universitet och högskolor",
        "industry": "företag",
        "nonprofit": "ideella organisationer",
        "and": "och",
        "and-parties": "samt",
        "nothing": "Ingenting är tillåtet.",
        "actions": "Tillåtet: att {0}.",
        "any-purpose": "För alla ändamål.",
        "purposes": "Bara för dessa ändamål, med det som hör under dem: {0}.",
        "any-recipient": "För alla parter i fabriken.",
        "recipients": "Bara för {0}.",
        "partner": "parten med id {0}",
        "unstated": "I de länder som datamängdens integritetsklass tillåter.",
        "worldwide": "I alla länder.",
        "countries": "Bara i dessa länder: {0}.",
        "always": "Utan slutdatum.",
        "from": "Från och med {0}, utan slutdatum.",
        "until": "Fram till {0}.",
        "between": "Från och med {0}, fram till {1}.",
        "commercial": "Kommersiell användning är tillåten.",
        "not-commercial": "Kommersiell användning är inte tillåten.",
        "courses": "Den som använder data ska ha godkänt på kursen: {0}.",
        "gate": "Data frisläpps först när en granskad rapport visar att avidentifieringen håller.",
        "gate-k": "Så många personer ska minst dela samma uppgifter i en tabell (k-anonymitet): {0}.",
        "gate-recall": "Så stor del av personuppgifterna ska minst ha hittats, enligt granskningen (undre gränsen för "
        "ett 95-procentigt konfidensintervall): {0} procent.",
        "gate-reviewed": "Så många slumpvis valda ställen ska minst ha granskats av en handläggare: {0}.",
        "gate-withheld": "Så stor del av filerna får högst hållas inne: {0} procent.",
        "derived-allowed": "Det som härleds ur data, till exempel modeller, får användas vidare.",
        "derived-same-terms": "Det som härleds ur data, till exempel modeller, får användas vidare på samma villkor.",
        "derived-forbidden": "Det som härleds ur data får inte användas vidare utanför projektet.",
        "attribution": "Ange alltid källan så här: {0}",
        "deletion-0": "Alla kopior ska raderas samma dag som tillståndet upphör.",
        "deletion-1": "Alla kopior ska raderas inom en dag efter att tillståndet upphört.",
        "deletion": "Alla kopior ska raderas inom {0} dagar efter att tillståndet upphört.",
    },
    "en": {
        "read": "read and download the data",
        "prepare": "prepare the data (for example de-identify it)",
        "annotate": "annotate the data",
        "train": "train models",
        "deploy": "deploy models",
        "share-derivative": "share what is derived from the data",
        "research": "research",
        "research/basic": "basic research",
        "research/applied": "applied research",
        "research/health": "health research",
        "research/method-development": "method development in research",
        "education": "education",
        "innovation": "innovation",
        "innovation/pre-commercial": "pre-commercial innovation",
        "innovation/product-development": "product development",
        "public-interest": "the public interest",
        "public-interest/public-service": "public services",
        "public-interest/statistics": "statistics",
        "benchmarking": "comparing methods (benchmarking)",
        "public": "public bodies",
        "academia": "universities",
        "industry": "companies",
        "nonprofit": "non-profit organisations",
        "and": "and",
        "and-parties": "and",
        "nothing": "Nothing is permitted.",
        "actions": "Permitted: to {0}.",
        "any-purpose": "For any purpose.",
        "purposes": "Only for these purposes, with what falls under them: {0}.",
        "any-recipient": "For every partner in the factory.",
        "recipients": "Only for {0}.",
        "partner": "the partner with id {0}",
        "unstated": "In the countries that the dataset's integrity class permits.",
        "worldwide": "In every country.",
        "countries": "Only in these countries: {0}.",
        "always": "Without an end date.",
        "from": "From {0} on, without an end date.",
        "until": "Until {0}.",
        "between": "From {0} on, until {1}.",
        "commercial": "Commercial use is permitted.",
        "not-commercial": "Commercial use is not permitted.",
        "courses": "Whoever uses the data must have passed the course: {0}.",
        "gate": "The data is released only once a reviewed report shows that its de-identification holds.",
        "gate-k": "At least so many people must share the same values in a table (k-anonymity): {0}.",
        "gate-recall": "At least so much of the personal data must have been found, by the review (lower bound of a "
        "95 % confidence interval): {0} percent.",
        "gate-reviewed": "At least so many places, drawn at random, must have been judged by a steward: {0}.",
        "gate-withheld": "At most so many of the files may be withheld: {0} percent.",
        "derived-allowed": "What is derived from the data, such as models, may be used further.",
        "derived-same-terms": "What is derived from the data, such as models, may be used further on the same terms.",
        "derived-forbidden": "What is derived from the data may not be used further outside the project.",
        "attribution": "Always name the source like this: {0}",
        "deletion-0": "All copies must be deleted on the day the grant ends.",
        "deletion-1": "All copies must be deleted within one day after the grant ends.",
        "deletion": "All copies must be deleted within {0} days after the grant ends.",
    },
}

_STOCKHOLM = ZoneInfo("Europe/Stockholm")


def _listed(words: Mapping[str, str], names: Sequence[str], joined: str = "and") -> str:
    *most, last = names
    return f"{', '.join(most)} {words[joined]} {last}" if most else last


def _day(instant: int, *, zone: ZoneInfo = _STOCKHOLM) -> str:
    """Return the instant as a date in Stockholm, with the time unless it is midnight."""
    moment = datetime.fromtimestamp(min(instant, END_OF_TIME - 86400), zone)
    midnight = (moment.hour, moment.minute, moment.second) == (0, 0, 0)
    return moment.strftime("%Y-%m-%d" if midnight else "%Y-%m-%d %H:%M:%S")


def _period(words: Mapping[str, str], begins: int, ends: int) -> str:
    if ends == END_OF_TIME:
        return words["from"].format(_day(begins)) if begins else words["always"]
    return words["between"].format(_day(begins), _day(ends)) if begins else words["until"].format(_day(ends))


def _deletion(words: Mapping[str, str], days: int) -> str:
    return words.get(f"deletion-{days}") or words["deletion"].format(days)


def summary(normal: Normal, lang: Language, course_titles: Mapping[str, str] | None = None) -> list[str]:
    """Return the terms as sentences in Swedish or English: one for each thing that limits or obliges.

    `course_titles`: titles in that language by course id, for the courses that have one.
    """
    words, titles = _WORDS[lang], course_titles or {}
    if not normal["actions"]:
        return [words["nothing"]]
    recipients, countries, period = normal["recipients"], normal["countries"], normal["period"]
    parties = [words["partner"].format(p) for p in recipients["partners"]] + [words[s] for s in recipients["sectors"]]
    places = [COUNTRY_NAMES[lang].get(place, place) for place in areas(countries["list"])]
    sentences = [
        words["actions"].format(_listed(words, [words[action] for action in normal["actions"]])),
        words["any-purpose"]
        if normal["purposes"]["any"]
        else words["purposes"].format(_listed(words, [words[p] for p in normal["purposes"]["list"]])),
        words["commercial" if normal["commercial"] else "not-commercial"],
        words["any-recipient"]
        if recipients["any"]
        else words["recipients"].format(_listed(words, parties, "and-parties")),
        words["unstated"]
        if not normal["countries_stated"]
        else words["worldwide"]
        if countries["any"]
        else words["countries"].format(_listed(words, places)),
        _period(words, period["from"], period["until"]),
        words[f"derived-{normal['derived_use']}"],
    ]
    if normal["courses"]:
        sentences.append(
            words["courses"].format(_listed(words, [titles.get(course, course) for course in normal["courses"]]))
        )
    if normal["gate"] == "required":
        sentences.append(words["gate"])
    asked = normal["gate_thresholds"]
    sentences += [words[f"gate-{t.name}"].format(asked[t.name]) for t in THRESHOLDS if t.name in asked]
    if normal["attribution"]:
        sentences += [words["attribution"].format(line) for line in normal["attribution"].split("\n")]
    if normal["deletion_days"] >= 0:
        sentences.append(_deletion(words, normal["deletion_days"]))
    return sentences
