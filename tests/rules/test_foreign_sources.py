"""What a repository may say of where its data lie, and what nobody follows."""

from pathlib import Path
from typing import Any

import pytest

from experiments import sentences
from lineage.foreign_sources import check_source, remotes
from lineage.rebuilt import NotRebuiltError

OUT = {"md5": "a" * 32, "size": 3, "hash": "md5", "path": "data.csv"}
URL = "https://example.org/registry.git"


def content(source: dict[str, Any] | None = None, **output: Any) -> dict[str, Any]:
    return {"outs": [OUT | output], "deps": [source] if source else None, "frozen": True}


def test_remotes_are_read_by_name_and_paths_are_relative_to_the_configuration(tmp_path: Path) -> None:
    listing = (
        "core.remote=near\nremote.near.url=../../store\nremote.far.url=s3://bucket/dvc\nremote.far.region=x\n"
        "remote.colon.url=s3:store\nremote.url=of no remote\nstate.elsewhere.url=/srv/state\n"
    )
    found = remotes(listing, tmp_path / "project" / ".dvc")
    assert found == {
        "near": str((tmp_path / "store").resolve()),
        "far": "s3://bucket/dvc",
        "colon": str(tmp_path / "project" / ".dvc" / "s3:store"),
    }


@pytest.mark.parametrize(
    ("listing", "told"),
    [
        ("remote.near.url=s3://x\nremote.near.configpath=./aws", "near sets configpath"),
        ("remote.near.url=local:///etc", "near is reached over local"),
        ("remote.near.url=file:///etc", "near is reached over file"),
    ],
)
def test_a_remote_that_reaches_further_is_refused(listing: str, told: str) -> None:
    with pytest.raises(NotRebuiltError, match=told) as refusal:
        remotes(listing, Path("/project/.dvc"))
    assert sentences.is_known(refusal.value.problem)


@pytest.mark.parametrize(
    ("source", "foreign"),
    [
        (None, False),
        ({"path": "s3://bucket/data.csv", "etag": "x"}, False),
        ({"path": "remote://far/data.csv", "md5": "b" * 32}, False),
        ({"path": "data.csv", "repo": {"url": URL, "rev": "v1", "rev_lock": "c" * 40}}, True),
        ({"path": "data.csv", "repo": {"url": "git@example.org:team/registry.git"}}, True),
    ],
)
def test_data_from_other_hosts_are_followed(source: dict[str, Any] | None, foreign: bool) -> None:
    assert check_source("data.csv.dvc", content(source, desc="Scans")) is foreign


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ({"path": "/etc/passwd"}, "from a path of this host"),
        ({"path": "file:///etc/passwd"}, "from a path of this host"),
        ({"path": "local:///etc/passwd"}, "from a path of this host"),
        ({"path": "s3:/etc/passwd"}, "from a path of this host"),
        ({"md5": "b" * 32}, "from a path of this host"),
        ({"path": "data", "repo": {"url": "/srv/other"}}, "from a path of this host"),
        ({"path": "data", "repo": {"url": "file:///srv/other"}}, "from a path of this host"),
        ({"path": "data", "repo": {"url": "ext::sh -c id"}}, "from a path of this host"),
        ({"path": "data", "repo": "text"}, "from a path of this host"),
        ({"path": "data", "repo": {"url": URL, "config": "./config"}}, "sets config in repo"),
        ({"path": "data", "repo": {"url": URL, "remote": {"configpath": "aws"}}}, "sets remote in repo"),
        ({"db": {"connection": "profile", "query": "select 1"}}, "sets db in deps"),
        ({"path": "s3://bucket/data.csv", "fs_config": {"profile": "x"}}, "sets fs_config in deps"),
    ],
)
def test_data_of_this_host_or_by_more_than_an_address_are_refused(source: dict[str, Any], told: str) -> None:
    with pytest.raises(NotRebuiltError, match=told) as refusal:
        check_source("data.csv.dvc", content(source))
    assert refusal.value.verdict == "missing_data"
    assert sentences.is_known(refusal.value.problem)


def test_what_is_no_entry_at_all_is_passed_over() -> None:
    assert check_source("data.csv.dvc", {"outs": ["text", None], "deps": [1, OUT["path"]]}) is False


def test_an_output_with_options_of_its_own_is_refused() -> None:
    with pytest.raises(NotRebuiltError, match="sets fs_config in outs"):
        check_source("data.csv.dvc", content(fs_config={"profile": "x"}))
