"""Small objects that DVC keeps, from folders, over HTTP and from S3."""

import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from integrations.artifact_stores import S3Store
from integrations.dvc_objects import AlteredError, Place, TooLargeError, read_object
from integrations.errors import IntegrationError
from tests.dvc_objects import hash_of, over_http, put
from tests.servers import s3_server

CONTENT = b"epoch,loss\n1,0.5\n"
HASH = hash_of(CONTENT)
ENOUGH = 1_000
LOCAL = ("127.0.0.1",)


@pytest.fixture
def broken() -> Iterator[tuple[str, list[str]]]:
    """A server that fails; its address, and the paths that it was asked for."""
    asked: list[str] = []

    class Broken(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(500)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Broken)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", asked
    server.shutdown()
    server.server_close()


def test_the_first_place_that_has_an_object_gives_it(tmp_path: Path) -> None:
    cache, remote = Place("cache", str(tmp_path / "cache")), Place("remote", str(tmp_path / "remote"))
    put(tmp_path / "remote", CONTENT)
    assert read_object(HASH, [cache, remote], ENOUGH) == CONTENT
    with pytest.raises(IntegrationError, match="none of these places: cache, remote"):
        read_object(hash_of(b"other"), [cache, remote], ENOUGH)
    # The nearer place is believed to have what it says: an altered object is named, not passed over.
    put(tmp_path / "cache", b"other", HASH)
    with pytest.raises(AlteredError, match="What the cache has was altered"):
        read_object(HASH, [cache, remote], ENOUGH)


def test_too_much_is_not_read_wherever_it_lies(tmp_path: Path) -> None:
    value = put(tmp_path, b"a" * (ENOUGH + 1))
    with over_http(tmp_path) as address:
        for place in (Place("cache", str(tmp_path)), Place("remote", address, LOCAL)):
            with pytest.raises(TooLargeError, match="more than 1000 bytes"):
                read_object(value, [place], ENOUGH)
            assert len(read_object(value, [place], ENOUGH + 1)) == ENOUGH + 1


def test_what_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    pipe = tmp_path / "files" / "md5" / HASH[:2] / HASH[2:]
    pipe.parent.mkdir(parents=True)
    os.mkfifo(pipe)
    with pytest.raises(IntegrationError, match="none of these places"):
        read_object(HASH, [Place("cache", str(tmp_path))], ENOUGH)


def test_a_remote_that_fails_is_asked_once_and_named_for_each_object(
    tmp_path: Path, broken: tuple[str, list[str]]
) -> None:
    address, asked = broken
    places = [Place("cache", str(tmp_path)), Place("remote", address, LOCAL)]
    for value in (HASH, hash_of(b"other")):
        with pytest.raises(IntegrationError, match="The remote answered 500") as caught:
            read_object(value, places, ENOUGH)
        assert not caught.value.permanent
    assert len(asked) == 1
    # What the cache has is read all the same.
    put(tmp_path, CONTENT)
    assert read_object(HASH, places, ENOUGH) == CONTENT


@pytest.mark.parametrize("value", ["", "../" * 8 + "etc/passwd", f"{HASH}.dir", HASH.upper(), f"{HASH}\n"])
def test_only_hashes_are_looked_for(value: str) -> None:
    with pytest.raises(IntegrationError, match="not a file that DVC keeps"):
        read_object(value, [Place("cache", "/")], ENOUGH)


def test_an_object_is_read_from_s3(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with s3_server(tmp_path, "dvc") as environment:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        content = tmp_path / "content"
        content.write_bytes(CONTENT)
        S3Store("dvc", "team").put(f"files/md5/{HASH[:2]}/{HASH[2:]}", content)
        remote = Place("remote", "s3://dvc/team")
        assert read_object(HASH, [remote], ENOUGH) == CONTENT
        with pytest.raises(TooLargeError):
            read_object(HASH, [remote], 5)
