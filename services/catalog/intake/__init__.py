"""Donation cases: what a partner hands in, how it is checked, and how its files come in, encrypted."""
