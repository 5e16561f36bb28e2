"""A real HTTP server on loopback that plays a vendor: it keeps what it is sent and answers as a test tells it to."""

import json
import socket
import struct
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Sent:
    """One request as it arrived; header names in lower case."""

    method: str
    path: str
    headers: dict
    body: bytes
    port: int
    """The client's end of the connection."""

    def json(self):
        return json.loads(self.body)


@dataclass
class Answer:
    """One answer; `fault` is what goes wrong below HTTP: reset, cut, silence (for `delay_s`), trickle, closed."""

    body: bytes | str | dict | list = b""
    status: int = 200
    headers: dict = field(default_factory=dict)
    fault: str = ""
    delay_s: float = 0.0

    def data(self):
        if isinstance(self.body, bytes):
            return self.body
        return (self.body if isinstance(self.body, str) else json.dumps(self.body)).encode()


class Vendor(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, answer):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answer = answer
        self.sent = []
        self.over = threading.Event()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request, client_address):
        """A client that hung up is what some tests are about."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self._serve()

    def do_POST(self):
        self._serve()

    def _serve(self):
        length = int(self.headers.get("Content-Length", 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        sent = Sent(
            self.command, self.path, headers, self.rfile.read(length), self.client_address[1]
        )
        self.server.sent.append(sent)
        answer = self.server.answer
        self._give(answer(sent) if callable(answer) else answer)

    def _give(self, answer):
        self.close_connection = bool(answer.fault)
        if answer.fault == "reset":
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
            return
        if answer.fault == "closed":
            return
        if answer.fault == "silence":
            self.server.over.wait(answer.delay_s)
            return
        data = answer.data()
        self.send_response(answer.status)
        self.send_header("Content-Length", str(len(data) + (100 if answer.fault == "cut" else 0)))
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.end_headers()
        if answer.fault == "trickle":
            self._trickle(data, answer.delay_s)
        else:
            self.wfile.write(data)

    def _trickle(self, data, seconds):
        end = time.monotonic() + seconds
        for byte in data:
            if self.server.over.wait(0.05) or time.monotonic() > end:
                return
            self.wfile.write(bytes([byte]))
            self.wfile.flush()

    def log_message(self, *arguments):
        """Say nothing."""


@contextmanager
def vendor(answer):
    """Serve until the block ends; `answer` is an Answer, or a function from Sent to Answer."""
    server = Vendor(answer)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.over.set()
        server.shutdown()
        server.server_close()
        thread.join()


def closed_port():
    """Name an address on loopback where nobody listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}"


def echo(sent):
    """Say back all headers and the body as one text, as careless servers do in their errors."""
    headers = " ".join(f"{name}: {value}" for name, value in sent.headers.items())
    return f"{headers} {sent.body.decode()}"
