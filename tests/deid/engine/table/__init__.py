"""Tables: read, treated, written."""
