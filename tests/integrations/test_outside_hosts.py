"""Asking a host that somebody else named: which ones are refused, and how long it may take."""

import ipaddress
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest

from integrations.errors import IntegrationError
from integrations.outside_hosts import RefusedError, is_public, opened

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
WHOLE = HEAD + b"Content-Length: 2\r\n\r\nok"


class Server:
    """Answers each connection with `answer`; byte by byte, with `pause` seconds between, if there is one."""

    def __init__(self) -> None:
        self.answer, self.pause = WHOLE, 0.0
        self.asked: list[bytes] = []
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.port = self.listening.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                connected, _ = self.listening.accept()
                threading.Thread(target=self._answer, args=(connected,), daemon=True).start()

    def _answer(self, connected: socket.socket) -> None:
        with connected, suppress(OSError):
            self.asked.append(connected.recv(65_536))
            step = 1 if self.pause else len(self.answer)
            for start in range(0, len(self.answer), step):
                connected.sendall(self.answer[start : start + step])
                time.sleep(self.pause)


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.listening.close()


def read(address: str, *allowed: str, seconds: float = 20.0) -> bytes:
    with opened(address, seconds=seconds, allowed=allowed) as answer:
        return b"".join(answer.iter_content(100))


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.215.14", True),
        ("2606:4700::1111", True),
        ("127.0.0.1", False),
        ("0.0.0.0", False),  # noqa: S104 - not bound
        ("10.1.2.3", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("100.64.0.1", False),
        ("169.254.169.254", False),  # where clouds tell their machines secrets
        ("224.0.0.1", False),
        ("::1", False),
        ("fe80::1", False),
        ("fd00:ec2::254", False),
        ("::ffff:10.0.0.1", False),
        ("2002:7f00:1::", False),
        ("64:ff9b::a9fe:a9fe", False),
        ("64:ff9b::5db8:d70e", True),
    ],
)
def test_only_addresses_of_the_internet_are_public(address: str, public: bool) -> None:
    assert is_public(ipaddress.ip_address(address)) is public


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "2130706433", "127.1", "0"])
def test_this_network_is_refused_however_it_is_written(server: Server, host: str) -> None:
    with pytest.raises(RefusedError, match="a host of this network"):
        read(f"http://{host}:{server.port}/x")
    with pytest.raises(RefusedError):
        read(f"https://{host}:{server.port}/x")
    assert server.asked == []


@pytest.mark.parametrize("allowed", ["127.0.0.1", "127.0.0.0/8", "localhost"])
def test_what_the_operator_allows_is_asked(server: Server, allowed: str) -> None:
    host = "localhost" if allowed == "localhost" else "127.0.0.1"
    assert read(f"http://{host}:{server.port}/x", allowed) == b"ok"


def test_a_name_that_means_something_else_a_moment_later_changes_nothing(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    original, looked = socket.getaddrinfo, []

    def resolve(host: Any, *more: Any, **options: Any) -> Any:
        if host != "remote.example":
            return original(host, *more, **options)
        looked.append(host)
        return original("127.0.0.1" if len(looked) == 1 else "127.0.0.2", *more, **options)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    assert read(f"http://remote.example:{server.port}/x", "127.0.0.1") == b"ok"
    assert looked == ["remote.example"]
    assert f"Host: remote.example:{server.port}".encode() in server.asked[0]
    with pytest.raises(RefusedError):
        read(f"http://remote.example:{server.port}/x", "127.0.0.1")


@pytest.mark.parametrize("answer", [HEAD * 1000, HEAD + b"\r\n" + b"x" * 100_000], ids=["head", "body"])
def test_whoever_answers_ever_so_slowly_is_cut_off(server: Server, answer: bytes) -> None:
    server.answer, server.pause = answer, 0.02
    began = time.monotonic()
    with pytest.raises(IntegrationError, match="took longer than 1 s") as caught:
        read(f"http://127.0.0.1:{server.port}/x", "127.0.0.1", seconds=1.0)
    assert time.monotonic() - began < 10
    assert not caught.value.permanent


def test_a_host_is_asked_at_the_next_of_its_addresses_if_one_is_down(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = socket.getaddrinfo

    def resolve(host: Any, *more: Any, **options: Any) -> Any:
        hosts = ("127.0.0.2", "127.0.0.1") if host == "remote.example" else (host,)
        return [info for one in hosts for info in original(one, *more, **options)]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    assert read(f"http://remote.example:{server.port}/x", "127.0.0.0/8") == b"ok"


def test_a_redirect_is_not_followed(server: Server) -> None:
    server.answer = b"HTTP/1.1 302 Found\r\nLocation: /other\r\nContent-Length: 0\r\n\r\n"
    with opened(f"http://127.0.0.1:{server.port}/x", seconds=20, allowed=["127.0.0.1"]) as answer:
        assert answer.status_code == 302
    assert len(server.asked) == 1


@pytest.mark.parametrize("address", ["http://", f"http://{'a' * 70}.example/", "http://nobody.invalid/"])
def test_an_address_that_leads_nowhere_is_said_to_be_away(address: str) -> None:
    with pytest.raises(IntegrationError, match="cannot be reached"):
        read(address)
