"""Closing: what was accepted becomes a version; exports and imports over HTTP."""
