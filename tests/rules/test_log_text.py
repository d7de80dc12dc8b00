"""Output of programs becomes lines that a page can show and every database can hold."""

import pytest

from experiments.log_text import MAX_CHARACTERS, clean, lines


def test_an_end_of_line_at_the_end_begins_no_further_line() -> None:
    assert lines("one\ntwo\n") == ["one", "two"]
    assert lines("one\n\n") == ["one", ""]
    assert lines("") == [""]


def test_windows_line_ends_leave_nothing_behind() -> None:
    assert lines("one\r\ntwo\r\n") == ["one", "two"]


def test_of_a_progress_bar_the_last_state_is_kept() -> None:
    assert clean(" 10%\r 50%\r100%") == "100%"
    assert clean(" 10%\r100%\r") == "100%"


@pytest.mark.parametrize(
    "text",
    [
        "\x1b[31mred\x1b[0m",
        "\x1b[38;2;255;0;0mred\x1b[m",
        "\x1b]0;a title\x07red",
        "\x1b]8;;https://example.org\x1b\\red\x1b]8;;\x1b\\",
        "\x9b1mred",
        "\x1b(Bred\x1b=",
        "r\x00e\x08d\x7f",
        "\u202ered\u2066",
    ],
)
def test_colours_titles_links_and_control_characters_are_taken_out(text: str) -> None:
    assert clean(text) == "red"


def test_tabs_and_all_languages_stay() -> None:
    assert clean("a\tb 정확도 ✓ 😀") == "a\tb 정확도 ✓ 😀"


def test_a_lone_surrogate_becomes_a_replacement_character() -> None:
    clean("x\ud800y").encode()
    assert clean("x\ud800y") == "x\ufffdy"


def test_a_long_line_is_cut_and_says_so() -> None:
    assert clean("x" * MAX_CHARACTERS) == "x" * MAX_CHARACTERS
    cut = clean("x" * (MAX_CHARACTERS + 1))
    assert cut.startswith("x" * MAX_CHARACTERS)
    assert cut.endswith("[line cut]")


def test_a_line_of_unfinished_control_strings_does_not_take_long() -> None:
    assert len(clean("\x1b]" * 5_000_000)) < 2 * MAX_CHARACTERS
