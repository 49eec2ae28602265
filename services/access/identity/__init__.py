"""Identity: partners, the people and systems of each, and their roles."""
