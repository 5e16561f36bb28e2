"""A provider that takes money: a real HTTP server in a process of its own, with a bill that only it writes.

    python paid_server.py BILL [--seed N] [--delay S] [--faults]

Prints its port. Each line of BILL is `start SEND` or `billed SEND MICRODOLLARS`, appended before the reply leaves, so
the bill outlives every crash of the client. The answer is a pure function of the picture and of the prompt.
"""

import argparse
import hashlib
import os
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import cv2
import numpy as np

COST_MICRO = 40_000


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def __init__(self, options):
        super().__init__(("127.0.0.1", 0), Handler)
        self.options = options
        self.bill = os.open(options.bill, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def log(self, line):
        os.write(self.bill, (line + "\n").encode())

    def handle_error(self, request, client_address):
        """A client that was killed is no news here."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        send, prompt = self.headers["X-Send-Id"], bytes.fromhex(self.headers["X-Prompt"])
        draw = hashlib.sha256(f"{self.server.options.seed} {send}".encode()).digest()
        if self.server.options.faults and draw[0] < 40:
            self._reply(429, b"slow down", "text/plain", {"Retry-After": "0.01"})
            return
        self.server.log(f"start {send}")
        time.sleep(self.server.options.delay * (0.5 + draw[1] / 255))
        self.server.log(f"billed {send} {COST_MICRO}")
        picture = hashlib.sha256(body + prompt).digest()
        if self.server.options.faults and picture[0] < 20:
            self._reply(200, b"I cannot do that", "text/plain", {"X-Tokens": str(COST_MICRO)})
            return
        answer = restored(body, strength=1 + picture[1] % 3)
        self._reply(200, answer, "image/png", {"X-Tokens": str(COST_MICRO)})

    def _reply(self, status, body, kind, headers):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        """Say nothing: the bill is the log."""


def restored(body, *, strength):
    """Denoise and stretch: something that one attempt or another may pass with, the same every time."""
    image = cv2.imdecode(np.frombuffer(body, np.uint8), cv2.IMREAD_COLOR)
    smooth = cv2.bilateralFilter(image, 5, 20 * strength, 5)
    low, high = np.percentile(smooth, (1, 99))
    stretched = (smooth.astype(np.float32) - low) * (255 / max(high - low, 1))
    _, data = cv2.imencode(".png", np.clip(stretched, 0, 255).astype(np.uint8))
    return data.tobytes()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("bill")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--delay", type=float, default=0.05)
    parser.add_argument("--faults", action="store_true")
    server = Server(parser.parse_args())
    print(server.server_address[1], flush=True)  # noqa: T201
    server.serve_forever()


if __name__ == "__main__":
    main()
