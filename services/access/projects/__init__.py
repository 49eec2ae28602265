"""Projects: a purpose, partners, people with a role in it, dates, a budget; every change on record."""
