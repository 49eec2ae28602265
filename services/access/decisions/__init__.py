"""Decisions: gather the whole input, ask the law once, record it all, answer with codes and cures."""
