"""Why a table is withheld instead of treated: stable codes, and their texts."""


class Withheld(Exception):
    """The table cannot be treated; `code` says why and is one of `REASONS`."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


REASONS: dict[str, tuple[str, str]] = {
    "table-too-large": (
        "Tabellen är större än vad som behandlas i ett stycke.",
        "The table is larger than what is treated in one piece.",
    ),
    "table-too-wide": (
        "Tabellen har fler kolumner än vad som behandlas.",
        "The table has more columns than are treated.",
    ),
    "table-failed": (
        "Tabellen kunde inte behandlas; ingenting av den lämnas ut.",
        "The table could not be treated; nothing of it is given out.",
    ),
    "csv-not-text": (
        "Filen ska vara en CSV-tabell men är inte läsbar text.",
        "The file should be a CSV table but is not readable text.",
    ),
    "csv-delimiter-changes": (
        "Avgränsaren byts mitt i filen, så kolumnerna går inte att lita på.",
        "The delimiter changes within the file, so its columns cannot be trusted.",
    ),
    "csv-quote-open": (
        "Ett citattecken öppnas och stängs aldrig, så cellernas gränser är okända.",
        "A quotation mark is opened and never closed, so where cells end is unknown.",
    ),
    "csv-ragged": (
        "Många rader har fler eller färre celler än rubrikraden, så värden kan stå i fel kolumn.",
        "Many rows have more or fewer cells than the header, so values may stand in the wrong column.",
    ),
    "column-missing": (
        "Receptet nämner en kolumn som tabellen inte har.",
        "The recipe names a column that the table does not have.",
    ),
    "k-unreachable": (
        "k-anonymitet nås inte: för få personer, eller fler rader än tillåtet måste tas bort.",
        "k-anonymity cannot be reached: too few people, or more rows than allowed must be removed.",
    ),
    "hierarchy-invalid": (
        "Ett värde i tabellen passar inte receptets hierarki.",
        "A value of the table does not fit the recipe's hierarchy.",
    ),
    "no-text-operators": (
        "Receptet skickar kolumner till textoperatorer men har inga.",
        "The recipe sends columns to text operators but has none.",
    ),
    "no-operator-for-table": (
        "Receptet har ingen operator för tabeller.",
        "The recipe has no operator for tables.",
    ),
    "parquet-unreadable": (
        "Parquetfilen är skadad, krypterad eller ofullständig.",
        "The Parquet file is damaged, encrypted or incomplete.",
    ),
    "parquet-column-type": (
        "En kolumn är av ett slag som inte kan granskas, till exempel binärdata.",
        "A column is of a kind that cannot be looked into, binary data for instance.",
    ),
}
"""By code: Swedish, English."""
