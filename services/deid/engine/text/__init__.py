"""Finding and treating what identifies a person in text."""
