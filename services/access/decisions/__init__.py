"""Decisions: gather the whole input, ask the law once, record input, result and revision, answer with codes and cures."""
