"""Recipes: what is done to a version's files, in words that can be checked."""
