"""What preparation says to people when it refuses, in Swedish and English."""

from services.kit.texts import Texts

TEXTS: Texts = {}
