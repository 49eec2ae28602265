"""What is written about the profile is what the code does."""

import json
import re
from pathlib import Path

from services.access.terms import normalise
from services.access.terms.jsonld import MAX_BYTES, MAX_DEPTH
from services.access.terms.vocabulary import ODRL_CONTEXT, PROFILE, PROFILE_TERMS
from tests.access.terms.policies import kept

TEXT = (Path(normalise.__file__).parent / "PROFILE.md").read_text(encoding="utf-8")


def test_the_policy_shown_is_kept() -> None:
    (shown,) = re.findall(r"```json\n(.*?)```", TEXT, re.DOTALL)
    assert kept(json.loads(shown))["derived_use"] == "same-terms"


def test_every_word_of_the_profile_is_explained() -> None:
    assert ODRL_CONTEXT in TEXT
    assert PROFILE in TEXT
    for word in PROFILE_TERMS:
        assert f"df:{word}" in TEXT, word


def test_limits_are_as_written() -> None:
    assert f"{MAX_BYTES // 1024} KiB or {MAX_DEPTH} levels" in TEXT
