"""Review: disagreements are settled, and agreement is counted."""
