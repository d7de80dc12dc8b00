"""HTTP to an address that somebody else chose, such as the remote in a repository's files.

Whoever writes such an address must not reach through us what they cannot reach themselves: a host is asked
only if every address of its name is one of the public internet, or the operator allows it. The connection
goes to the address that was checked, so a name that means something else a moment later changes nothing.
Neither proxies nor credentials of this host's user are used, and redirects are not followed.
"""

from __future__ import annotations

import contextlib
import ipaddress
import os
import socket
import threading
from collections.abc import Collection, Iterator
from types import TracebackType
from typing import Any

import requests
import requests.adapters
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError

from integrations.errors import IntegrationError

_READ_SECONDS = 15.0
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class RefusedError(IntegrationError):
    """The host is one of this network, and nobody allowed it."""


def checked_addresses(host: str, allowed: Collection[str]) -> list[str]:
    """Return the addresses of a host, at least one, the one to be tried first in front.

    :param allowed: names, addresses and networks (``10.0.0.0/8``) that may be asked though not public
    :raises RefusedError: one of its addresses is not public, and not allowed
    :raises OSError: nobody knows the name
    """
    found = [str(info[4][0]) for info in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)]
    if host.lower() not in allowed:
        for text in found:
            address = ipaddress.ip_address(text.partition("%")[0])
            if not is_public(address) and not any(address in network for network in _networks(allowed)):
                raise RefusedError(
                    "The remote is a host of this network, which is asked only where the operator allows it.",
                    permanent=True,
                )
    return list(dict.fromkeys(found))


def is_public(address: Address) -> bool:
    """Whether an address is one of the public internet, also if it is an older one inside of a newer one."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if address in _NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(inner)
    return address.is_global and not address.is_multicast


@contextlib.contextmanager
def opened(address: str, *, seconds: float, allowed: Collection[str]) -> Iterator[requests.Response]:
    """Give the answer to a GET, to be read within.

    :param seconds: for all of it, from the first look-up to the last byte
    :param allowed: see :func:`checked_addresses`
    :raises IntegrationError: permanent if the host is refused; else it cannot be reached, or took longer
    """
    with _Guard(seconds, allowed) as guard, requests.Session() as session:
        session.trust_env = False
        session.mount("http://", _Adapter(guard))
        session.mount("https://", _Adapter(guard))
        timeout = min(_READ_SECONDS, seconds)
        verify = os.environ.get("REQUESTS_CA_BUNDLE") or True
        try:
            with session.get(
                address, timeout=timeout, stream=True, allow_redirects=False, verify=verify
            ) as answer:
                yield answer
        except (requests.RequestException, UnicodeError) as error:
            guard.check()
            message = f"The remote cannot be reached ({type(error).__name__})."
            raise IntegrationError(message, permanent=False) from None
        guard.check()  # what was cut off without a length looks like an end


class _Guard:
    """Says which hosts may be asked, and cuts what takes too long, however slowly it goes on."""

    def __init__(self, seconds: float, allowed: Collection[str]) -> None:
        self.seconds, self.allowed = seconds, allowed
        self._late = threading.Event()
        self._sockets: list[socket.socket] = []
        self._timer = threading.Timer(seconds, self._cut)
        self._timer.daemon = True

    def __enter__(self) -> _Guard:
        self._timer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()
        for one in self._sockets:
            one.close()

    def watch(self, connected: socket.socket) -> None:
        # A copy: encryption takes the socket itself away from whoever holds it.
        self._sockets.append(connected.dup())
        if self._late.is_set():
            self._cut()

    def check(self) -> None:
        if self._late.is_set():
            raise IntegrationError(f"The remote took longer than {self.seconds:g} s.", permanent=False)

    def _cut(self) -> None:
        self._late.set()
        for one in self._sockets:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)


class _Adapter(requests.adapters.HTTPAdapter):
    """Makes connections that ask the guard."""

    def __init__(self, guard: _Guard) -> None:
        self._guard = guard
        super().__init__()

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        super().init_poolmanager(*args, **options)
        pools = {
            "http": (HTTPConnectionPool, HTTPConnection),
            "https": (HTTPSConnectionPool, HTTPSConnection),
        }
        self.poolmanager.pool_classes_by_scheme = {
            scheme: type("_Pool", (pool,), {"ConnectionCls": _guarded(connection, self._guard)})
            for scheme, (pool, connection) in pools.items()
        }


def _guarded(connection: Any, guard: _Guard) -> Any:
    class Guarded(connection):
        """Connects to the address that was checked; the name stays for the certificate and the header."""

        _dns_host: str

        def _new_conn(self) -> socket.socket:
            name = self._dns_host
            *others, last = checked_addresses(name, guard.allowed)
            try:
                for self._dns_host in others:
                    with contextlib.suppress(HTTPError):
                        return self._watched()
                self._dns_host = last
                return self._watched()
            finally:
                self._dns_host = name

        def _watched(self) -> socket.socket:
            made: socket.socket = super()._new_conn()
            guard.watch(made)
            return made

    return Guarded


def _networks(allowed: Collection[str]) -> Iterator[Any]:
    for text in allowed:
        with contextlib.suppress(ValueError):
            yield ipaddress.ip_network(text, strict=False)
