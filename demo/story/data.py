"""The data of the demo: 1,797 scanned digits as PNG files with a table of labels, and one large generated file."""

# pyright: reportMissingImports=false
# Pillow, scikit-learn and numpy are in the demo's environment (requirements.lock), not where types are checked.

import csv
import os
from pathlib import Path
from typing import Any

from datafactory.progress import OnProgress

DIGITS = 1797
SEED = 20261125
BLOCK = 8 * 1024 * 1024


def digits(folder: Path, on_progress: OnProgress) -> Path:
    """Write scikit-learn's digits (UCI, CC BY 4.0; 8 × 8 pixels, 16 grey levels) and labels.csv, unless they are there.

    Returns the folder: `digits/0000.png` … and `labels.csv` with columns file, label.
    """
    whole = folder / "labels.csv"
    if whole.exists():
        return folder
    # These import slowly, and are needed at the first run only.
    from PIL import Image
    from sklearn.datasets import load_digits

    images = folder / "digits"
    images.mkdir(parents=True, exist_ok=True)
    found: Any = load_digits()
    rows: list[tuple[str, int]] = []
    for number, (pixels, label) in enumerate(zip(found.images, found.target, strict=True)):
        name = f"digits/{number:04d}.png"
        grey = (pixels * 255 / 16).round().astype("uint8")
        Image.fromarray(grey).save(folder / name, optimize=False)
        rows.append((name, int(label)))
        on_progress("digits", number + 1, DIGITS)
    unfinished = folder / "labels.csv.new"
    with unfinished.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(("file", "label"))
        table.writerows(rows)
    os.replace(unfinished, whole)
    return folder


def large_file(path: Path, size: int, on_progress: OnProgress) -> Path:
    """Write `size` pseudo-random bytes from a fixed seed (the same each time), unless they are there already."""
    if path.exists() and path.stat().st_size == size:
        return path
    import numpy

    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".new")
    generator = numpy.random.default_rng(SEED)
    left = size
    with unfinished.open("wb") as file:
        while left:
            block = generator.bytes(min(BLOCK, left))
            file.write(block)
            left -= len(block)
            on_progress(path.name, size - left, size)
    os.replace(unfinished, path)
    return path
