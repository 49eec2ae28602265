"""What preparation says to people when it refuses, in Swedish and English."""

from services.deid.gate.texts import TEXTS as GATE
from services.deid.reasons import reasons
from services.deid.recipes.texts import TEXTS as RECIPES
from services.deid.runs.texts import TEXTS as RUNS
from services.kit.texts import Texts

TEXTS: Texts = {**reasons(), **RECIPES, **RUNS, **GATE}
