"""What a child prints is read to its end and kept in bounded memory."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgekit.jobs.log import FIRST_BYTES, LAST_BYTES, Log


def logged(*chunks: bytes) -> str:
    """The log of a process that printed these and ended."""
    reading, writing = os.pipe()
    log = Log(os.fdopen(reading, "rb"))
    for chunk in chunks:
        os.write(writing, chunk)
    os.close(writing)
    return log.text(whole=True)


@pytest.mark.parametrize("size", [0, 1, FIRST_BYTES, FIRST_BYTES + LAST_BYTES])
def test_a_short_log_is_whole(size):
    said = "".join(chr(97 + place % 26) for place in range(size))
    assert logged(said.encode()) == said


@given(st.lists(st.binary(min_size=1, max_size=9000), max_size=6))
def test_of_a_long_one_the_first_and_the_last_part_are_kept_and_the_rest_is_counted(chunks):
    whole = b"".join(chunks)
    found, left_out = logged(*chunks), max(0, len(whole) - FIRST_BYTES - LAST_BYTES)
    if not left_out:
        assert found == whole.decode(errors="replace")
        return
    between = f"\n... {left_out:,} bytes are left out here ...\n".encode()
    assert found == (whole[:FIRST_BYTES] + between + whole[-LAST_BYTES:]).decode(errors="replace")


def test_a_process_that_was_left_behind_and_holds_the_pipe_does_not_hold_up_the_reader(monkeypatch):
    monkeypatch.setattr("edgekit.jobs.log.ALL_READ_S", 0.05)
    reading, writing = os.pipe()
    log = Log(os.fdopen(reading, "rb"))
    os.write(writing, b"the last words")
    while log.text() == "":
        pass
    assert log.text(whole=True) == "the last words"
    os.close(writing)
