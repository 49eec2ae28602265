"""Client of a Data Factory."""
