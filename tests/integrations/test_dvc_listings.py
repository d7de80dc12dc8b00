"""Lists of files of folders, from the cache and from remotes."""

import json
import socket
from pathlib import Path

import pytest

from integrations.artifact_stores import S3Store
from integrations.dvc_listings import read_listing
from integrations.dvc_objects import Place, default_remote
from integrations.errors import IntegrationError
from tests.dvc_objects import hash_of, over_http, put
from tests.servers import s3_server

ENTRIES = [("b/c.png", "a" * 32), ("d.png", "b" * 32)]
CONTENT = json.dumps([{"md5": value, "relpath": path} for path, value in ENTRIES]).encode()
HASH = f"{hash_of(CONTENT)}.dir"


def stored(folder: Path, layout: str = "files/md5", content: bytes = CONTENT) -> Path:
    """Put the list into a folder as DVC does."""
    put(folder, content, HASH, layout)
    return folder


@pytest.mark.parametrize("layout", ["files/md5", ""])
def test_the_list_is_found_as_dvc_of_any_age_keeps_it(tmp_path: Path, layout: str) -> None:
    places = [
        Place("cache", str(tmp_path / "none")),
        Place("remote", str(stored(tmp_path / "there", layout))),
    ]
    assert read_listing(HASH, places) == ENTRIES


def test_the_list_is_read_over_http(tmp_path: Path) -> None:
    with over_http(stored(tmp_path / "web")) as address:
        remote = Place("remote", address, ("127.0.0.1",))
        assert read_listing(HASH, [remote]) == ENTRIES
        with pytest.raises(IntegrationError, match="in none of these places: remote"):
            read_listing("0" * 32 + ".dir", [remote])


def test_the_list_is_read_from_s3(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with s3_server(tmp_path, "dvc") as environment:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        content = tmp_path / "list"
        content.write_bytes(CONTENT)
        S3Store("dvc", "team").put(f"files/md5/{HASH[:2]}/{HASH[2:]}", content)
        remote = Place("remote", "s3://dvc/team")
        assert read_listing(HASH, [remote]) == ENTRIES
        with pytest.raises(IntegrationError, match="in none of these places: remote"):
            read_listing("0" * 32 + ".dir", [remote])
        content.write_bytes(CONTENT + b" ")
        S3Store("dvc", "team").put(f"files/md5/{HASH[:2]}/{HASH[2:]}", content)
        with pytest.raises(IntegrationError, match="in the remote was altered"):
            read_listing(HASH, [remote])
    with pytest.raises(IntegrationError) as down:
        read_listing(HASH, [remote])
    assert not down.value.permanent


def test_an_altered_list_is_named_and_not_taken(tmp_path: Path) -> None:
    place = Place("remote", str(stored(tmp_path / "there", content=CONTENT + b" ")))
    with pytest.raises(IntegrationError, match="in the remote was altered"):
        read_listing(HASH, [place])


def test_what_cannot_be_reached_is_said(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(IntegrationError, match="cannot be reached"):
        read_listing(HASH, [Place("cache", str(tmp_path)), Place("remote", address, ("127.0.0.1",))])
    with pytest.raises(IntegrationError, match="Remotes of the kind 'gdrive'"):
        read_listing(HASH, [Place("remote", "gdrive://x")])
    with pytest.raises(IntegrationError, match="no"):
        read_listing("../../etc/passwd.dir", [Place("cache", "/")])


@pytest.mark.parametrize(
    ("config", "remote"),
    [
        ("[core]\n    remote = s\n['remote \"s\"']\n    url = s3://bucket/x\n", "s3://bucket/x"),
        ('[core]\nremote = "s"\n[remote "s"]\nurl = /srv/dvc\n', "/srv/dvc"),
        ("[core]\n    analytics = false\n", ""),
        ("nonsense", ""),
    ],
)
def test_the_default_remote_is_read(config: str, remote: str) -> None:
    assert default_remote(config) == remote
