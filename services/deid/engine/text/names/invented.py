"""Names that nobody bears, for surrogates: held to be none of the lexicon's by a test, and never found as names."""

import re
from collections.abc import Callable

from services.deid.engine.text.names.lexicon import lexicon

FIRST = tuple(
    "Alvmar Birdis Brosve Dagvin Dunfrid Eldrun Eltrik Fjorin Frostina Garmund Gryndis Halvine Hjelmar Isbrun Joralv "
    "Kvistor Ljungar Lovrid Marvide Månrik Norvid Nävina Olmrik Ormina Perlof Rimfrid Rosvar Sivor Skogrun "
    "Snörid Solvar "
    "Stennika Svalgot Tallina Tjorvald Torvine Ulvrik Vallmor Vidrun Vinterik Viskmar Åkvin Åsmor Älvrun Ärlof Örngot "
    "Östrik Hagrid Lindvar Sjövin Talvor Granika Björka Ekrun Almvar Askrik Hasslof Rönnika Videmar Kastrun Sylvrik "
    "Dalvina Bergof Myrtor".split()
)
LAST = tuple(
    "Tjärnelund Granåsberg Lövestrandh Kvarnhjelm Sjöfjällström Vinterlycke Björkavret Stenhöjdén Dimmeqvist "
    "Frostenvik "
    "Hagtornell Islagsson Kråkeberga Ljungevrå Mossebrandt Norrskenell Olvassjö Porslinder Rimfrosth Skuggedahl "
    "Snöbärling Solrosengren Svalebohl Tallkotte Tistelvik Träskeman Ugglevall Vassrugge Vildapelsson Åskvigg "
    "Älggrens­son "
    "Ängsullman Örnfjädran Östavind Backsippson Blåklintell Daggkåpeberg Enbärsvik Fjällripenius Gullvivander "
    "Humlekärr "
    "Igelkottsen Järvsnöås Kaveldun Lummerhielm Månskensvik Näckrosander Ormbunksson Pilträdh Rönnbärsson Sippedahl "
    "Tranbärsén Vitmossell Ålgräsman Ärtskidén Ödletorn Kottmyr Lavskrika Tuvullson Brudbröding Hjortronell "
    "Svartvinbär "
    "Timotejsson Vallörth Klöverhagh".replace("\u00ad", "").split()
)
STREETS = tuple(
    "Alvmarsgatan Birdisvägen Dimmeqvistgatan Tjärnelundsvägen Kvarnhjelmsgatan Vinterlyckevägen Islagssonsgatan "
    "Kråkebergavägen Norrskenellsgatan Olvassjövägen Porslindersgatan Skuggedahlsvägen Tistelvikargatan "
    "Vassruggevägen".split()
)
PLACES = tuple("Olvassköping Birdistad Kvistorsala Fjorinborg Dimmeköping Vassruggeby Tjärnelunda Solvarhamn".split())

_FIRST, _LAST = frozenset(n.lower() for n in FIRST), frozenset(n.lower() for n in LAST)
_PART = re.compile(r"[^\W\d_]+")


def is_invented(word: str) -> bool:
    """Whether a word, in any case and with or without a genitive's s, is one of the invented names."""
    bare = word.lower()
    return any(form in _FIRST or form in _LAST for form in (bare, bare.removesuffix("s")))


def invented_name(written: str, draw: Callable[[str, str], int]) -> str:
    """Return a name with each part replaced; `draw(role, part)` gives a number for a part in normal form."""
    known = lexicon()
    parts = list(_PART.finditer(written))
    made: list[str] = []
    done = 0
    for index, part in enumerate(parts):
        made.append(written[done : part.start()])
        made.append(_other(part.group(), index, len(parts), known.first, known.last, draw))
        done = part.end()
    return "".join(made) + written[done:]


def _other(
    part: str, index: int, count: int, first: frozenset[str], last: frozenset[str], draw: Callable[[str, str], int]
) -> str:
    if is_invented(part) or len(part) == 1 or (part[0].islower() and count > 1):
        return part
    genitive = part[-1] in "sS" and part.lower() not in first and part.lower() not in last
    stem = part[:-1].lower() if genitive else part.lower()
    surname = (stem in last and stem not in first) or (stem not in first and index == count - 1 and count > 1)
    pool = LAST if surname else FIRST
    name = pool[draw("last" if surname else "first", stem) % len(pool)]
    name += "s" if genitive else ""
    return name.upper() if part.isupper() else name if part[0].isupper() else name.lower()
