"""Reading the registry that GTO keeps in tags."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from lineage import gto_tags
from lineage.gto_tags import ParsedTag, parse, states


@dataclass
class Told:
    artifact: str
    action: str
    version: str
    stage: str
    at: datetime


def told(*tags: tuple[str, str]) -> list[Told]:
    """Return events of tags, each with the version of its commit, a minute apart."""
    start = datetime(2026, 1, 1, tzinfo=UTC)
    found = []
    for number, (tag, version) in enumerate(tags):
        one = parse(tag)
        assert one is not None
        at = start + timedelta(minutes=number)
        found.append(Told(one.artifact, one.action, one.version or version, one.stage, at))
    return found


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        ("model@v1.2.0", ParsedTag("model", "register", version="v1.2.0")),
        ("model@v1.2.0-rc.1+b", ParsedTag("model", "register", version="v1.2.0-rc.1+b")),
        ("model@v1.2.0!", ParsedTag("model", "deregister", version="v1.2.0")),
        ("model@v1.2.0!#4", ParsedTag("model", "deregister", version="v1.2.0", number=4)),
        ("model#prod", ParsedTag("model", "assign", stage="prod")),
        ("model#prod#3", ParsedTag("model", "assign", stage="prod", number=3)),
        ("model#prod!", ParsedTag("model", "unassign", stage="prod")),
        ("model#prod!#5", ParsedTag("model", "unassign", stage="prod", number=5)),
        ("model@deprecated", ParsedTag("model", "deprecate")),
        ("sub/folder=my-model@v0.0.1", ParsedTag("sub/folder:my-model", "register", version="v0.0.1")),
    ],
)
def test_a_tag_says_what_happened(tag: str, expected: ParsedTag) -> None:
    assert parse(tag) == expected


@pytest.mark.parametrize(
    "tag",
    ["model@1.2.0", "model@v1.2", "model@", "#prod", "-m@v1.0.0", "m@v01.0.0", "m#prod#x", "m@v1.0.0#!"],
)
def test_a_malformed_tag_says_nothing_but_looks_like_one(tag: str) -> None:
    assert parse(tag) is None
    assert gto_tags.looks_like_one(tag)


def test_ordinary_tags_are_not_meant() -> None:
    assert not gto_tags.looks_like_one("v1.2.0")


def test_a_stage_has_the_version_that_was_assigned_last() -> None:
    events = told(
        ("m@v1.0.0", ""),
        ("m#prod#1", "v1.0.0"),
        ("m@v2.0.0", ""),
        ("m#prod#2", "v2.0.0"),
        ("m#dev#3", "v1.0.0"),
    )
    [state] = states(events)
    assert [one.registered.version for one in state.versions] == ["v2.0.0", "v1.0.0"]
    assert {stage: event.version for stage, event in state.stages.items()} == {
        "prod": "v2.0.0",
        "dev": "v1.0.0",
    }
    assert set(state.versions[1].stages) == {"dev"}


def test_who_had_a_stage_before_has_it_again_when_another_is_taken_out() -> None:
    tags = (("m@v1.0.0", ""), ("m@v2.0.0", ""), ("m#prod#1", "v1.0.0"), ("m#prod#2", "v2.0.0"))
    for taken in (("m#prod!#3", "v2.0.0"), ("m@v2.0.0!#3", "")):
        [state] = states(told(*tags, taken))
        assert {stage: event.version for stage, event in state.stages.items()} == {"prod": "v1.0.0"}
    [state] = states(told(*tags, ("m#prod#3", "v1.0.0")))
    assert state.stages["prod"].version == "v1.0.0"


def test_a_version_that_was_taken_back_is_in_no_stage_until_it_is_registered_again() -> None:
    events = told(("m@v1.0.0", ""), ("m#prod#1", "v1.0.0"), ("m@v1.0.0!#2", ""), ("m@v1.0.0#3", ""))
    [state] = states(events[:3])
    assert (state.stages, state.versions[0].stages) == ({}, {})
    [state] = states(events)
    assert set(state.versions[0].stages) == {"prod"}


def test_a_long_registry_is_read_in_time_that_grows_with_it() -> None:
    def seconds(number: int) -> float:
        events = told(*[(f"m@v{one}.0.0", "") for one in range(number)])
        began = time.process_time()
        states(events)
        return time.process_time() - began

    seconds(100)
    assert seconds(20_000) < 2.0  # each event against each version took a minute


def test_what_was_taken_back_is_gone() -> None:
    events = told(
        ("m@v1.0.0", ""),
        ("m#prod#1", "v1.0.0"),
        ("m#prod!#2", "v1.0.0"),
        ("m@v1.0.0!#3", ""),
        ("n@deprecated", ""),
    )
    first, second = states(events)
    assert first.stages == {}
    assert first.versions[0].deregistered is events[3]
    assert second.deprecated is events[4]
