"""Batches of files between services come apart as they were put together, or not at all."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.kit.frames import BadFrames, read_frames, write_frames

FRAMES = st.lists(st.tuples(st.dictionaries(st.text(max_size=5), st.integers(), max_size=3), st.binary(max_size=50)))


@given(FRAMES)
def test_what_is_written_is_read(frames: list[tuple[dict[str, int], bytes]]) -> None:
    assert list(read_frames(write_frames(frames))) == frames


@given(FRAMES.filter(bool), st.data())
def test_what_is_cut_off_is_refused(frames: list[tuple[dict[str, int], bytes]], data: st.DataObject) -> None:
    whole = write_frames(frames)
    last = len(write_frames(frames[:-1]))
    cut = data.draw(st.integers(last + 1, len(whole) - 1))
    with pytest.raises(BadFrames):
        list(read_frames(whole[:cut]))
