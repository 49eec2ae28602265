"""Exports and imports: COCO, JSONL and CSV, without loss."""
