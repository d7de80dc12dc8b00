"""Splitting a stream of bytes into bounded lines of text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.output_lines import CUT_NOTE, LineSplitter


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def split(*chunks: bytes, max_bytes: int = 100) -> list[str]:
    lines: list[str] = []
    splitter = LineSplitter(lines.append, max_bytes=max_bytes, clock=Clock())
    for chunk in chunks:
        splitter.feed(chunk)
    splitter.close()
    return lines


@pytest.mark.parametrize(
    ("chunks", "lines"),
    [
        ([b"a\nb\n"], ["a", "b"]),
        ([b"a", b"b", b"\n\n", b"c"], ["ab", "", "c"]),
        ([b"dos\r\nline\r", b"\nend"], ["dos", "line", "end"]),
        ([b"\xc3", b"\xa9\n"], ["\u00e9"]),
        ([b"\xff\x00\n"], ["\ufffd\ufffd"]),
        ([], []),
    ],
)
def test_lines_do_not_depend_on_how_the_stream_is_cut(chunks: list[bytes], lines: list[str]) -> None:
    assert split(*chunks) == lines


def test_an_overlong_line_is_cut_and_the_next_one_is_whole() -> None:
    assert split(b"x" * 60, b"x" * 60, b"y\nshort\n") == ["x" * 100 + CUT_NOTE, "short"]


def test_a_progress_bar_gives_one_state_a_second_and_its_last_one() -> None:
    lines: list[str] = []
    clock = Clock()
    splitter = LineSplitter(lines.append, clock=clock)
    for percent in range(101):
        clock.now = percent / 40
        splitter.feed(b"\r%d%%" % percent)
    splitter.feed(b"\ndone\n")
    assert lines == ["0%", "40%", "80%", "100%", "done"]


def test_a_progress_bar_that_is_wiped_leaves_its_last_state() -> None:
    assert split(b"1%\r2%\r3%\r\n") == ["1%", "3%"]


@given(st.lists(st.binary(max_size=300), max_size=20))
def test_any_bytes_give_bounded_storable_lines(chunks: list[bytes]) -> None:
    for line in split(*chunks):
        assert len(line) <= 100 + len(CUT_NOTE)
        assert "\x00" not in line
        assert "\n" not in line
        line.encode()


@given(st.lists(st.sampled_from([b"a", b"\n", b"bc\n", b"\r\n"]), max_size=30))
def test_without_progress_bars_it_agrees_with_splitlines(chunks: list[bytes]) -> None:
    whole = b"".join(chunks)
    assert split(*chunks) == split(whole) == whole.decode().splitlines()
