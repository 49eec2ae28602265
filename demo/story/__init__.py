"""The story of one dataset, a module for each part of it."""
