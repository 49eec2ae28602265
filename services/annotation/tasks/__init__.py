"""Tasks: items on loan to annotators, drafts, and what they hand in."""
