"""Credentials: API keys, client secrets, and the one-time secret of the first operator. Only hashes are kept."""
