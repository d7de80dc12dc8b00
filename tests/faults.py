"""A TCP proxy that carries requests to a real server and loses, drops or delays chosen ones.

A lost answer is the fault that creates duplicates: the server has carried the request out.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Fault:
    """What happens to one request whose first line holds `mark`."""

    mark: bytes
    kind: str
    seconds: float = 0.0


class LossyProxy:
    """Forwards to one server; faults are armed one request at a time."""

    def __init__(self, target: str) -> None:
        parts = urlsplit(target)
        self._target = (str(parts.hostname), int(parts.port or 80))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._faults: list[Fault] = []
        self.lost = 0
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def lose(self, mark: str, times: int = 1) -> None:
        """Lose the answers of the next `times` requests whose first line holds `mark`."""
        self._faults += [Fault(mark.encode(), "lose")] * times

    def pass_by(self, mark: str, times: int = 1) -> None:
        """Let the next such requests through, before the faults that are armed after this."""
        self._faults += [Fault(mark.encode(), "pass")] * times

    def drop(self, mark: str) -> None:
        """Close the connection of the next such request before the server sees it."""
        self._faults.append(Fault(mark.encode(), "drop"))

    def cut(self, mark: str) -> None:
        """Break the connection within the answer to the next such request, after its first part."""
        self._faults.append(Fault(mark.encode(), "cut"))

    def hold(self, mark: str, seconds: float) -> None:
        """Hand the next such request to the server only after some seconds.

        Fewer than five: the MLflow server closes a connection that is silent for longer.
        """
        self._faults.append(Fault(mark.encode(), "hold", seconds))

    def serve(self) -> None:
        """Accept connections until the listener is closed."""
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._carry, args=(client,), daemon=True).start()

    def close(self) -> None:
        """Accept no more connections."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _carry(self, client: socket.socket) -> None:
        with client, socket.create_connection(self._target) as upstream, contextlib.suppress(OSError):
            armed: list[str] = []
            threading.Thread(target=self._return, args=(upstream, client, armed), daemon=True).start()
            while data := client.recv(65536):
                fault = next((f for f in self._faults if f.mark in data.partition(b"\r\n")[0]), None)
                if fault is not None:
                    self._faults.remove(fault)
                    if fault.kind == "drop":
                        return
                    armed.append(fault.kind)
                    time.sleep(fault.seconds)
                upstream.sendall(data)

    def _return(self, upstream: socket.socket, client: socket.socket, armed: list[str]) -> None:
        with contextlib.suppress(OSError):
            while data := upstream.recv(65536):
                # the first byte of the answer proves that the server has done its work
                if "cut" in armed:
                    client.sendall(data)
                if "cut" in armed or "lose" in armed:
                    self.lost += 1
                    break
                client.sendall(data)
            client.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def lossy_proxy(target: str) -> Iterator[LossyProxy]:
    """A running `LossyProxy` in front of `target`."""
    proxy = LossyProxy(target)
    thread = threading.Thread(target=proxy.serve, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        proxy.close()
        thread.join(5)
