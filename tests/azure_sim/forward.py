"""A port of one loopback address that leads to a port of 127.0.0.1."""

import socket
import socketserver
import threading
from contextlib import suppress


class Forward:
    """Forwards connections, from the moment it is made until it is closed. Raises OSError when the port is not free."""

    def __init__(self, address: str, port: int, to_port: int) -> None:
        self._open: set[socket.socket] = set()
        handler = type("Handler", (_Connection,), {"to_port": to_port, "open": self._open})
        self._server = _Server((address, port), handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Listen no more, and end the connections there are."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        for one in list(self._open):
            _end(one)


def greets(port: int) -> bool:
    """Whether an SSH server answers at a port of 127.0.0.1; that a connection is taken proves nothing with QEMU."""
    try:
        with socket.create_connection(("127.0.0.1", port), 1) as connection:
            connection.settimeout(1)
            return connection.recv(8).startswith(b"SSH-")
    except OSError:
        return False


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


class _Connection(socketserver.BaseRequestHandler):
    to_port: int
    open: set[socket.socket]
    request: socket.socket

    def handle(self) -> None:
        """Carry bytes both ways until one side ends."""
        try:
            beyond = socket.create_connection(("127.0.0.1", self.to_port), 10)
        except OSError:
            return  # nobody there: the client sees its connection end, and tries again
        beyond.settimeout(None)
        self.open |= {self.request, beyond}
        back = threading.Thread(target=carry, args=(beyond, self.request), daemon=True)
        back.start()
        carry(self.request, beyond)
        back.join()
        self.open -= {self.request, beyond}
        beyond.close()


def carry(source: socket.socket, target: socket.socket) -> None:
    """Hand on what comes from one socket to another, until one of them ends."""
    with suppress(OSError):
        while data := source.recv(1 << 16):
            target.sendall(data)
    _end(target)


def _end(one: socket.socket) -> None:
    with suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
