"""Runs: a recipe treats a version's files, and the next version comes of it."""
