"""The text operators: what each finds, where the rule comes from, and what it misses."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from pydantic import Field

from services.deid.engine.operator import REGISTRY, Operator, Params
from services.deid.engine.text.actions import Action
from services.deid.engine.text.scan import Scan
from services.deid.engine.text.spans import Candidate


class TextParams(Params):
    """Parameters of every text operator."""

    action: Action = Field(default="label", description="What is put in place of what was found.")


Find = Callable[[Scan], Iterator[Candidate]]


@dataclass(frozen=True)
class Entry:
    """A finder by name, loaded when a recipe asks for it."""

    module: str
    function: str

    def load(self) -> Find:
        """Import the finder."""
        from importlib import import_module

        return getattr(import_module(f"services.deid.engine.text.{self.module}"), self.function)


FINDERS: dict[str, Entry] = {}


def _register(
    name: str, finder: Entry, *, summary: str, finds: tuple[str, ...], source: str, misses: str, version: str = "1"
) -> Operator:
    FINDERS[name] = finder
    return REGISTRY.add(
        Operator(
            name=name,
            version=version,
            family="text",
            summary=summary,
            finds=finds,
            source=source,
            misses=misses,
            params=TextParams,
        )
    )


PERSONAL_NUMBER = _register(
    "text.personal-number",
    Entry("finders.personal_numbers", "find"),
    summary="Swedish personal and coordination numbers, in every written form.",
    finds=("personal-number", "coordination-number"),
    source="Folkbokföringslagen (1991:481) 18 and 18 a §§; Skatteverket SKV 704 and SKV 707.",
    misses="Numbers without their last four digits, numbers whose month or day cannot be, numbers in words.",
)
PHONE = _register(
    "text.phone",
    Entry("finders.phones", "find"),
    summary="Telephone numbers: Swedish ones in national form, others with their country code.",
    finds=("phone",),
    source="The national numbering plan (PTS); ITU-T E.164; metadata of libphonenumber (Apache-2.0).",
    misses="Numbers without an area code and without a word such as tel before them; short and emergency numbers.",
)
EMAIL = _register(
    "text.email",
    Entry("finders.contacts", "find_emails"),
    summary="E-mail addresses, also as anna (at) example.se.",
    finds=("email",),
    source="RFC 5322, 3.4.1 (addr-spec) as people write it; RFC 6531.",
    misses="An address split by a line end inside its local part; handles without a domain.",
)
IP = _register(
    "text.ip",
    Entry("finders.contacts", "find_ips"),
    summary="IP addresses of both versions.",
    finds=("ip-address",),
    source="RFC 791; RFC 4291 and RFC 5952.",
    misses="Networks such as 192.0.2.0/24; addresses in other notations (decimal, hexadecimal); host names.",
)
NAME = _register(
    "text.name",
    Entry("names.find", "find"),
    summary="Names of people, by lists and by what stands around them.",
    finds=("name",),
    source=(
        "Training split of klintan/swedish-ner-corpus (CC BY 4.0; Språkbanken's Webbnyheter 2012); name lists of faker "
        "(MIT; Skatteverket, Isof)."
    ),
    misses="Names in lower case; rare names that stand alone; names that are ordinary words, without a first name.",
)
