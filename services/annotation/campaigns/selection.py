"""Which files of a version a campaign is about: by what they are, and by globs on their paths. Pure."""

import fnmatch
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Literal

Media = Literal["image", "text"]

IMAGE_TYPES = frozenset({"image/jpeg", "image/png", "image/webp", "image/tiff", "image/gif", "image/bmp"})
"""Pictures that people can be shown. Drawings (SVG) are programs, and are not among them."""


def media_of(media_type: str) -> Media | None:
    """Return what a media type is to an annotator; None when it is nothing to look at."""
    kind = media_type.partition(";")[0].strip().lower()
    if kind in IMAGE_TYPES:
        return "image"
    return "text" if kind.startswith("text/") else None


def matches(path: str, globs: Sequence[str]) -> bool:
    """Whether a path matches any of the globs; without globs every path does."""
    segments = path.split("/")
    return not globs or any(_fits(segments, glob.split("/")) for glob in globs)


def _fits(segments: Sequence[str], pattern: Sequence[str]) -> bool:
    """Match segment by segment: `**` is any number of segments, also none; the rest is as in fnmatch, case counts.

    A table instead of recursion: its size is the product of the two lengths, whatever the pattern.
    """
    row = [True] + [False] * len(segments)
    for part in pattern:
        if part == "**":
            for i in range(len(segments)):
                row[i + 1] = row[i + 1] or row[i]
            continue
        glob = _compiled(part)
        row = [False] + [row[i] and glob.match(segments[i]) is not None for i in range(len(segments))]
    return row[-1]


@lru_cache(maxsize=1000)
def _compiled(part: str) -> re.Pattern[str]:
    # Python's translation keeps each `*` from going back, so that no pattern takes long.
    return re.compile(fnmatch.translate(part))
