"""The services of the Data Factory; `python -m services` is their composition root."""
