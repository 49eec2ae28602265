"""Report, review and gate: how well a run did, looked at by a person, and let through or not."""
