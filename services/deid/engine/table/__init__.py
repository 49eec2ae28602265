"""Columns and rows: identifiers, quasi-identifiers, and k-anonymity by person."""
