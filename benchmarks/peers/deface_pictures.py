"""Pictures with known faces, and `deface` on them: run in the peers' environment.

Answers each line on standard input with one line of JSON: `write` writes the demo's pictures at 1280 × 720 into the
folder and tells where the faces are; `find` tells in which of them deface finds a face there; `run` treats all of them,
file in and file out, as its command line does, and tells how many.
"""

import contextlib
import json
import sys
from pathlib import Path
from typing import Any

import imageio.v3 as imageio
import numpy as np
from deface.centerface import CenterFace
from deface.deface import anonymize_frame

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "demo"))
from story.people import pictures

THRESHOLD = 0.2  # deface's own default


def main() -> None:
    """Serve one benchmark."""
    folder = Path(sys.argv[1])
    pictures.SIZE = (1280, 720)
    portraits = pictures.write(folder)
    with contextlib.redirect_stdout(sys.stderr):  # it greets
        detector: Any = CenterFace(in_shape=None, backend="auto")
    files = sorted((folder / "bilder").iterdir())

    def faces(path: Path) -> tuple[Any, Any]:
        frame = imageio.imread(path)
        frame = np.ascontiguousarray(frame[..., :3]) if frame.ndim == 3 else np.stack([frame] * 3, axis=2)
        return frame, detector(frame, threshold=THRESHOLD)[0]

    def run() -> int:
        for path in files:
            frame, found = faces(path)
            anonymize_frame(
                found, frame, mask_scale=1.3, replacewith="blur", ellipse=True, draw_scores=False, replaceimg=None,
                mosaicsize=20,
            )  # fmt: skip
            imageio.imwrite(folder / "out.jpg", frame, quality=95)
        return len(files)

    def middle_in(portrait: Any, found: Any) -> bool:
        x, y, width, height = portrait.head
        back = np.linalg.inv(np.vstack([portrait.matrix, [0, 0, 1]]))
        for left, top, right, bottom, *_ in found:
            u, v, _one = back @ [(left + right) / 2, (top + bottom) / 2, 1]
            if x <= u <= x + width and y <= v <= y + height:
                return True
        return False

    def find() -> list[bool]:
        return [middle_in(portrait, faces(folder / portrait.path)[1]) for portrait in portraits]

    def write() -> dict[str, Any]:
        told = [{"path": p.path, "head": p.head, "matrix": np.asarray(p.matrix).tolist()} for p in portraits]
        return {"portraits": told, "files": [str(path.relative_to(folder)) for path in files], "by": detector.backend}

    for line in sys.stdin:
        answer = {"write": write, "find": find, "run": run}[line.strip()]()
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
