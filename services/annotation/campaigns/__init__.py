"""Campaigns: what is labelled, how, by whom, and what comes of it."""
