"""Objects as DVC keeps them, written by hand: for tests of what is read from caches and remotes."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from hashlib import md5
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread


def hash_of(content: bytes) -> str:
    """Return the hash by which DVC calls a content."""
    return md5(content, usedforsecurity=False).hexdigest()


def put(folder: Path, content: bytes, value: str = "", layout: str = "files/md5") -> str:
    """Put an object where DVC looks for it, under its hash or another one; return that."""
    value = value or hash_of(content)
    target = folder / layout / value[:2] / value[2:]
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content)
    return value


def put_folder(folder: Path, files: Mapping[str, bytes]) -> str:
    """Put files and the list of them; return the hash of the folder."""
    items = [{"md5": put(folder, content), "relpath": path} for path, content in files.items()]
    content = json.dumps(items).encode()
    return put(folder, content, f"{hash_of(content)}.dir")


@contextmanager
def over_http(folder: Path) -> Iterator[str]:
    """Serve a folder on this host; yield its address."""
    handler = partial(_Quiet, directory=str(folder))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
        """Say nothing."""
