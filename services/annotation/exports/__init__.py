"""Annotations as files: COCO, JSONL and CSV, written and read without loss. Pure: bytes in, bytes out, no I/O."""
