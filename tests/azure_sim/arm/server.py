"""The server: HTTPS on a free port of 127.0.0.1, a thread for each connection."""

import ssl
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl, unquote, urlsplit
from uuid import uuid4

from tests.azure_sim.arm.certificates import Certificates
from tests.azure_sim.arm.front import Arm
from tests.azure_sim.arm.routes import answer as answered
from tests.azure_sim.arm.tokens import Tokens
from tests.azure_sim.arm.web import Answer, Request
from tests.azure_sim.cloud import Cloud
from tests.azure_sim.errors import AnswerLost


@dataclass(frozen=True)
class Seen:
    """A request in the journal; its status is 0 when no answer was sent."""

    method: str
    path: str
    query: Mapping[str, str]
    status: int


@dataclass
class Server:
    """Serves a cloud while the context lasts."""

    cloud: Cloud
    certificates: Certificates
    seen: list[Seen] = field(default_factory=list)
    tokens: Tokens = field(default_factory=Tokens)

    def __enter__(self) -> Self:
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _Handler, bind_and_activate=True)
        self._http.daemon_threads = True
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificates.server)
        # The handshake belongs to the connection's own thread: a client that dawdles must not hold up the others.
        self._http.socket = context.wrap_socket(self._http.socket, server_side=True, do_handshake_on_connect=False)
        self.arm = Arm(self.cloud.for_caller(), f"https://127.0.0.1:{self._http.server_port}", self.tokens)
        self._http.RequestHandlerClass = type("Handler", (_Handler,), {"front": self})
        self.cloud.set(endpoint=self.arm.endpoint)
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()


class _Handler(BaseHTTPRequestHandler):
    """One connection: any number of requests, one after the other."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 1 << 16  # head and body leave in one piece
    timeout = 60
    front: Server

    def handle(self) -> None:
        """Clients may leave at any time, and those that do not trust the certificate leave in the handshake."""
        try:
            super().handle()
        except (OSError, ValueError):
            self.close_connection = True

    def finish(self) -> None:
        try:
            super().finish()
        except (OSError, ValueError):
            self.close_connection = True

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        split = urlsplit(self.path)
        query = {name.lower(): value for name, value in parse_qsl(split.query, keep_blank_values=True)}
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request(self.command, unquote(split.path), query, headers, body)
        try:
            answer = answered(self.front.arm, request)
        except AnswerLost:
            self.front.seen.append(Seen(request.method, request.path, query, 0))
            self.close_connection = True
            return
        self.front.seen.append(Seen(request.method, request.path, query, answer.status))
        time.sleep(answer.wait)
        self._send(answer)

    def _send(self, answer: Answer) -> None:
        self.send_response(answer.status)
        usual = {"x-ms-request-id": str(uuid4()), "x-ms-correlation-request-id": str(uuid4())}
        length = {"Content-Length": str(len(answer.body))} if answer.status not in (204, 304) else {}
        for name, value in (usual | length | dict(answer.headers)).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)

    do_GET = do_HEAD = do_PUT = do_POST = do_PATCH = do_DELETE = _serve

    def log_message(self, format: str, *args: Any) -> None:
        """The journal has it all."""
