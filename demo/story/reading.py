"""Part 4: files come down under the permit, and are the bytes that were donated."""

import csv
import tempfile
from collections import Counter
from pathlib import Path

from .asking import PURPOSE, Access
from .data import DIGITS
from .giving import Gift, question
from .stage import Stage, expect

PICKED = ("labels.csv", "digits/0000.png", "digits/0898.png", "digits/1796.png")


def read(stage: Stage, gift: Gift, access: Access) -> None:
    """Download a few files and compare them with the donor's receipt."""
    client = access.person.client
    with stage.step("Files are downloaded and compared with the receipt", access.person.name) as step:
        permits = client.downloads.permits(question(gift, access.project_id, PURPOSE), access.decision)
        with tempfile.TemporaryDirectory(prefix="factory-demo-") as folder:
            for path in PICKED:
                receipt = gift.receipt[path]
                # `fetch` raises if the digest is another than the receipt's.
                client.downloads.fetch(path, permits, Path(folder) / path, sha256=str(receipt["sha256"]))
            with (Path(folder) / "labels.csv").open(encoding="utf-8", newline="") as file:
                labels = Counter(row["label"] for row in csv.DictReader(file))
        expect(labels.total() == DIGITS, f"{DIGITS} labels in labels.csv, but there are {labels.total()}")
        step.figures["files"] = len(PICKED)
        step.says(f"{len(PICKED)} files, digest for digest; labels.csv counts {labels['7']} sevens")
