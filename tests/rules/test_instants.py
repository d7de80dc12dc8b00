"""Reading the instant that somebody asks about."""

from datetime import UTC, datetime

import pytest

from registry import instants, known_sentences
from registry.instants import InstantError

NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "offset", "expected"),
    [
        ("2026-01-31T09:30:00Z", "", datetime(2026, 1, 31, 9, 30, tzinfo=UTC)),
        ("2026-01-31T09:30Z", "", datetime(2026, 1, 31, 9, 30, tzinfo=UTC)),
        ("2026-01-31T09:30:00+09:00", "", datetime(2026, 1, 31, 0, 30, tzinfo=UTC)),
        ("2026-01-31T09:30:00+0900", "", datetime(2026, 1, 31, 0, 30, tzinfo=UTC)),
        ("2026-01-31T09:30:00 09:00", "", datetime(2026, 1, 31, 0, 30, tzinfo=UTC)),
        ("2026-01-31 09:30:00-03:30", "", datetime(2026, 1, 31, 13, 0, tzinfo=UTC)),
        ("2026-01-31T09:30:00.250Z", "", datetime(2026, 1, 31, 9, 30, 0, 250_000, tzinfo=UTC)),
        ("2026-01-31T09:30", "+09:00", datetime(2026, 1, 31, 0, 30, tzinfo=UTC)),
        ("2026-01-31T09:30", " 09:00", None),
        ("2026-01-31T09:30Z", "+09:00", datetime(2026, 1, 31, 9, 30, tzinfo=UTC)),
        ("2026-06-01T12:00:00Z", "", NOW),
        ("0001-01-01T14:00:00Z", "", datetime(1, 1, 1, 14, tzinfo=UTC)),
        ("2026-06-01T21:00:00+09:00", "", NOW),
    ],
)
def test_an_instant_is_read_with_its_zone(text, offset, expected):
    if expected is None:
        with pytest.raises(InstantError, match="no such time zone"):
            instants.parse(text, offset=offset, now=NOW)
        return
    assert instants.parse(text, offset=offset, now=NOW) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "Write an instant"),
        ("2026-01-31", "Write an instant"),
        ("yesterday", "Write an instant"),
        ("2026-01-31T09:30:00Z; DROP TABLE", "Write an instant"),
        ("\uff12\uff10\uff12\uff16-01-31T09:30:00Z", "Write an instant"),
        ("2026-01-31T09:30:00", "in which time zone"),
        ("2026-02-30T09:30:00Z", "no such date"),
        ("2026-01-31T24:30:00Z", "no such date"),
        ("0001-01-01T00:00:00+14:00", "no such date"),
        ("0000-01-01T00:00:00Z", "no such date"),
        ("0001-01-01T13:59:59Z", "no such date"),
        ("2026-01-31T09:30:00+25:00", "no such time zone"),
        ("2026-01-31T09:30:00+09:75", "no such time zone"),
        ("2026-06-01T12:00:01Z", "in the future"),
        ("9999-12-31T23:59:59-12:00", "no such date"),
    ],
)
def test_what_is_no_instant_is_refused_with_the_reason(text, message):
    with pytest.raises(InstantError, match=message):
        instants.parse(text, now=NOW)


def test_every_offset_that_is_offered_is_a_zone():
    assert instants.OFFSETS[0] == "-12:00"
    assert instants.OFFSETS[-1] == "+14:00"
    assert "+00:00" in instants.OFFSETS
    assert "+05:45" in instants.OFFSETS
    distances = [instants.zone(offset).utcoffset(None) for offset in instants.OFFSETS]
    assert distances == sorted(set(distances))


def test_every_refusal_can_be_translated():
    from experiments import sentences

    sentences.add(known_sentences.ALL)
    for text in (
        "",
        "2026-01-31T09:30:00",
        "2026-02-30T09:30:00Z",
        "2026-01-31T09:30:00+25:00",
        "2099-01-01T00:00Z",
    ):
        with pytest.raises(InstantError) as refusal:
            instants.parse(text, now=NOW)
        assert sentences.is_known(str(refusal.value))
