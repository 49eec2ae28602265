"""Versions made from versions: read, written file by file, committed as a whole or gone; and the gate."""
