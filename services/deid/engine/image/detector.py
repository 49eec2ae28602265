"""CenterFace: where faces are in one picture at one size (Xu et al., arXiv 1911.03599).

The network sees each face as its centre point: a heat map at a quarter of the input's resolution says how sure it is
that a face is centred there; further maps give the face's size, where inside the cell the centre lies, and five
landmarks (eyes, nose, corners of the mouth), of which the turn of the face is read. Decoding is done for all peaks at
once. One inference session a process, loaded when first asked for, on one thread: a run's worker processes are its
parallelism, and sums stay in one order, so that results do not depend on the machine's load.
"""

from functools import cache
from typing import TYPE_CHECKING, Any

from services.deid.engine.image.model import FILE

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

STRIDE = 32
"""The network halves its input five times: sides are multiples of this."""
CELL = 4
"""Input pixels to a cell of the heat map."""
OVERLAP = 0.3
"""Intersection over union above which two boxes of one look are one face."""


@cache
def session() -> Any:
    """Return this process's inference session."""
    import cv2
    import onnxruntime

    cv2.setNumThreads(1)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(FILE), options, providers=["CPUExecutionProvider"])


def detect(view: "NDArray[np.uint8]", threshold: float) -> "NDArray[np.float32]":
    """Return the faces of an RGB view, best first: n × (x0, y0, x1, y1, score, turn).

    Coordinates are pixels of the view, and may reach beyond its edge; `turn` is the face's in degrees, clockwise. The
    view is padded with black to what the network takes, not stretched.
    """
    import numpy as np

    height, width = view.shape[:2]
    blob = np.zeros((1, 3, -(-height // STRIDE) * STRIDE, -(-width // STRIDE) * STRIDE), np.float32)
    blob[0, :, :height, :width] = view.transpose(2, 0, 1)
    heat, size, offset, landmarks = session().run(None, {"input.1": blob})
    boxes = decode(heat[0, 0], size[0], offset[0], landmarks[0], threshold)
    return boxes[suppressed(boxes)]


def decode(
    heat: "NDArray[np.float32]",
    size: "NDArray[np.float32]",
    offset: "NDArray[np.float32]",
    landmarks: "NDArray[np.float32]",
    threshold: float,
) -> "NDArray[np.float32]":
    """Return a box a cell above the threshold, best first, as `detect` does, in pixels of the network's input.

    `heat` is rows × columns; `size` and `offset` are 2 × those (y, x); `landmarks` 10 × those: y and x of the left eye,
    the right eye, the nose, the mouth's left and right corner, as shares of the box.
    """
    import numpy as np

    y, x = np.nonzero(heat > threshold)
    scores = heat[y, x]
    order = np.argsort(-scores, kind="stable")
    y, x, scores = y[order], x[order], scores[order]
    high, wide = (np.exp(size[axis, y, x]) * CELL for axis in (0, 1))
    middle_y, middle_x = ((at + offset[axis, y, x] + 0.5) * CELL for axis, at in ((0, y), (1, x)))
    down = (landmarks[6, y, x] + landmarks[8, y, x] - landmarks[0, y, x] - landmarks[2, y, x]) * high
    right = (landmarks[7, y, x] + landmarks[9, y, x] - landmarks[1, y, x] - landmarks[3, y, x]) * wide
    turn = np.degrees(np.arctan2(-right, down))
    return np.stack(
        [middle_x - wide / 2, middle_y - high / 2, middle_x + wide / 2, middle_y + high / 2, scores, turn], axis=1
    ).astype(np.float32)


def suppressed(boxes: "NDArray[np.float32]", overlap: float = OVERLAP) -> list[int]:
    """Return which boxes (best first) stay when those that overlap a better one (intersection over union) go."""
    import numpy as np

    kept: list[int] = []
    areas = np.prod(boxes[:, 2:4] - boxes[:, 0:2], axis=1)
    waiting = np.arange(len(boxes))
    while len(waiting):
        best, waiting = int(waiting[0]), waiting[1:]
        kept.append(best)
        near = np.minimum(boxes[waiting, 2:4], boxes[best, 2:4]) - np.maximum(boxes[waiting, 0:2], boxes[best, 0:2])
        common = np.prod(np.maximum(near, 0), axis=1)
        waiting = waiting[common < overlap * (areas[waiting] + areas[best] - common)]
    return kept
