"""Datasets, their immutable versions, manifests, lineage, and the keys that open them."""
