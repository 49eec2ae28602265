"""The law: what it permits, what it refuses, and that it fails closed."""
