"""A proxy (RFC 9110, CONNECT) that leads every host to one port of 127.0.0.1: accounts get names of their own by it.

Terraform's azurerm backend knows a storage account only by a host's name.
"""

import socket
import socketserver
import threading
from types import TracebackType
from typing import Self

from tests.azure_sim.forward import carry

DOMAIN = "core.azsim.test"  # of storage accounts: `ACCOUNT.blob.core.azsim.test`


class Proxy:
    """Serves while the context lasts."""

    def __init__(self, port: int) -> None:
        self._server = _Server(("127.0.0.1", 0), type("Handler", (_Connection,), {"port": port}))
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    @property
    def env(self) -> dict[str, str]:
        """What makes a program go by it, but for what is on this computer anyway."""
        address = f"http://127.0.0.1:{self._server.server_address[1]}"
        return {"HTTPS_PROXY": address, "NO_PROXY": "127.0.0.1,localhost"}

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


class _Connection(socketserver.StreamRequestHandler):
    port: int

    def handle(self) -> None:
        """Answer CONNECT, and carry bytes from then on."""
        if not self.rfile.readline().startswith(b"CONNECT "):
            self.wfile.write(b"HTTP/1.1 405 Method Not Allowed\r\n\r\n")
            return
        while self.rfile.readline().strip():
            pass
        beyond = socket.create_connection(("127.0.0.1", self.port), 10)
        beyond.settimeout(None)
        self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        back = threading.Thread(target=carry, args=(beyond, self.connection), daemon=True)
        back.start()
        carry(self.connection, beyond)
        back.join()
        beyond.close()
